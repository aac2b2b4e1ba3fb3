// SPDX-License-Identifier: Apache-2.0
//! call-dcap-qvl QUOTE COLLATERAL-DIR SECONDS [ROOT.der]
//!
//! What the crate says of a quote at that time: one line of JSON with status and advisories, or with
//! the error. Without ROOT.der it trusts the root that is built into it, Intel's.

use dcap_qvl::{verify::QuoteVerifier, QuoteCollateralV3};
use serde_json::{json, value::RawValue};
use std::{collections::HashMap, env, fs, path::Path};

/// A signed document as the PCS sends it: the text that is signed, and the signature in hex.
fn signed(dir: &Path, file: &str, member: &str) -> (String, Vec<u8>) {
    let text = fs::read_to_string(dir.join(file)).expect(file);
    let whole: HashMap<String, Box<RawValue>> = serde_json::from_str(&text).expect(file);
    let hex: String = serde_json::from_str(whole["signature"].get()).expect(file);
    let signature = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect(file))
        .collect();
    (whole[member].get().to_owned(), signature)
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let quote = fs::read(&args[1]).expect("the quote");
    let dir = Path::new(&args[2]);
    let now: u64 = args[3].parse().expect("the time");
    let read = |file: &str| fs::read(dir.join(file)).expect(file);
    let chain = String::from_utf8(read("tcb_signing_chain.pem")).expect("the chain");
    let (tcb_info, tcb_info_signature) = signed(dir, "tcb_info.json", "tcbInfo");
    let (qe_identity, qe_identity_signature) = signed(dir, "qe_identity.json", "enclaveIdentity");

    let collateral = QuoteCollateralV3 {
        pck_crl_issuer_chain: String::new(), // not looked at: the issuer is in the quote
        root_ca_crl: read("root_ca_crl.der"),
        pck_crl: read("pck_crl.der"),
        tcb_info_issuer_chain: chain.clone(),
        tcb_info,
        tcb_info_signature,
        qe_identity_issuer_chain: chain,
        qe_identity,
        qe_identity_signature,
        pck_certificate_chain: None,
    };
    let verifier = match args.get(4) {
        Some(root) => QuoteVerifier::new(fs::read(root).expect("the root")),
        None => QuoteVerifier::new_prod(),
    };
    let answer = match verifier.verify(&quote, &collateral, now) {
        Ok(report) => json!({"status": report.status, "advisories": report.advisory_ids}),
        Err(why) => json!({"error": format!("{why:#}")}),
    };
    println!("{answer}");
}
