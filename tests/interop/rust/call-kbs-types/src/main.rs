// SPDX-License-Identifier: Apache-2.0
//! A client of the key broker protocol 0.4.0, with the messages of kbs-types.
//!
//! call-kbs-types snp DIR OUT VCEK ASK ARK       evidence of DIR/evidence.bin, as attesters write it, into OUT
//! call-kbs-types begin PORT DIR TEE               asks for a challenge; DIR/report-data is to be attested
//! call-kbs-types finish PORT DIR EVIDENCE PATH    attests with this JSON, gets the resource, prints it
//!
//! Ends with 1, and the variant and sentence of the error object, when the broker refuses.

use kbs_types::{
    Attestation, Challenge, CompositeEvidence, ErrorInformation, HashAlgorithm, Request, Response,
    RuntimeData, Tee, TeePubKey,
};
use openssl::{
    aes, base64, bn::BigNum, bn::BigNumContext, derive::Deriver, ec, nid::Nid, pkey, sha, symm,
};
use serde_json::{json, Value};
use sev::firmware::guest::AttestationReport;
use sev::firmware::host::{CertTableEntry, CertType};
use sev::parser::ByteParser;
use std::{env, error::Error, fs, io::Read, io::Write, net::TcpStream, path::Path};

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Answer {
    cookie: Option<String>,
    body: String,
}

fn ask(port: &str, method: &str, path: &str, cookie: &str, body: &str) -> Outcome<Answer> {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
    let length = body.len();
    write!(
        stream,
        "{method} /kbs/v0/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Cookie: kbs-session-id={cookie}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).ok_or("no status")?;
    if status != "200" {
        let error: ErrorInformation = serde_json::from_str(body)?;
        return Err(format!("{status} {}: {}", error.error_type, error.detail).into());
    }
    let cookie = head
        .lines()
        .filter_map(|line| line.strip_prefix("Set-Cookie: kbs-session-id="))
        .filter_map(|line| line.split(';').next())
        .map(str::to_string)
        .next();
    Ok(Answer { cookie, body: body.to_string() })
}

fn url(bytes: &[u8]) -> String {
    let text = base64::encode_block(bytes).replace('+', "-").replace('/', "_");
    text.trim_end_matches('=').to_string()
}

fn unurl(text: &str) -> Outcome<Vec<u8>> {
    let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    Ok(base64::decode_block(&padded.replace('-', "+").replace('_', "/"))?)
}

fn group() -> Outcome<ec::EcGroup> {
    Ok(ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)
}

fn public(key: &ec::EcKey<pkey::Private>) -> Outcome<TeePubKey> {
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    let mut context = BigNumContext::new()?;
    let group = group()?;
    key.public_key().affine_coordinates_gfp(&group, &mut x, &mut y, &mut context)?;
    Ok(TeePubKey::EC {
        crv: "P-256".to_string(),
        alg: "ECDH-ES+A256KW".to_string(),
        x: url(&x.to_vec_padded(32)?),
        y: url(&y.to_vec_padded(32)?),
    })
}

fn begin(port: &str, dir: &Path, tee: &str) -> Outcome<()> {
    let tee: Tee = serde_json::from_value(Value::String(tee.to_string()))?;
    let algorithms: Vec<String> =
        HashAlgorithm::list_all().iter().map(|a| a.as_ref().to_lowercase()).collect();
    let request = Request {
        version: "0.4.0".to_string(),
        tee,
        extra_params: json!({ "supported-hash-algorithms": algorithms }),
    };
    let answer = ask(port, "POST", "auth", "", &serde_json::to_string(&request)?)?;
    let challenge: Challenge = serde_json::from_str(&answer.body)?;
    let key = ec::EcKey::generate(group()?.as_ref())?;
    // Sorted and compact, which of these contents is RFC 8785.
    let bound = json!({
        "additional-evidence": "", "nonce": challenge.nonce, "tee-pubkey": public(&key)? });
    let mut data = HashAlgorithm::Sha384.digest(serde_json::to_string(&bound)?.as_bytes());
    data.resize(64, 0);
    fs::write(dir.join("report-data"), data)?;
    fs::write(dir.join("nonce"), challenge.nonce)?;
    fs::write(dir.join("cookie"), answer.cookie.ok_or("no cookie")?)?;
    fs::write(dir.join("key"), key.private_key_to_pem()?)?;
    Ok(())
}

fn open(response: &Response, key: &ec::EcKey<pkey::Private>) -> Outcome<Vec<u8>> {
    let epk = response.protected.other_fields.get("epk").ok_or("no epk")?;
    let coordinate = |name: &str| -> Outcome<BigNum> {
        Ok(BigNum::from_slice(&unurl(epk[name].as_str().ok_or("no coordinate")?)?)?)
    };
    let group = group()?;
    let peer =
        ec::EcKey::from_public_key_affine_coordinates(&group, &*coordinate("x")?, &*coordinate("y")?)?;
    let (own, peer) = (pkey::PKey::from_ec_key(key.clone())?, pkey::PKey::from_ec_key(peer)?);
    let mut deriver = Deriver::new(&own)?;
    deriver.set_peer(&peer)?;
    let mut message = 1u32.to_be_bytes().to_vec();
    message.extend(deriver.derive_to_vec()?);
    message.extend(14u32.to_be_bytes());
    message.extend(b"ECDH-ES+A256KW");
    message.extend([0; 8]);
    message.extend(256u32.to_be_bytes());
    let kek = aes::AesKey::new_decrypt(&sha::sha256(&message)).map_err(|_| "no key")?;
    let mut cek = [0; 32];
    aes::unwrap_key(&kek, None, &mut cek, &response.encrypted_key).map_err(|_| "cannot be unwrapped")?;
    let aad = response.protected.generate_aad()?;
    let gcm = symm::Cipher::aes_256_gcm();
    Ok(symm::decrypt_aead(gcm, &cek, Some(&response.iv), &aad, &response.ciphertext, &response.tag)?)
}

fn finish(port: &str, dir: &Path, evidence: &Path, path: &str) -> Outcome<()> {
    let key = ec::EcKey::private_key_from_pem(&fs::read(dir.join("key"))?)?;
    let cookie = fs::read_to_string(dir.join("cookie"))?;
    let attestation = Attestation {
        init_data: None,
        runtime_data: RuntimeData {
            nonce: fs::read_to_string(dir.join("nonce"))?,
            tee_pubkey: public(&key)?,
        },
        tee_evidence: CompositeEvidence {
            primary_evidence: serde_json::from_slice(&fs::read(evidence)?)?,
            additional_evidence: String::new(),
        },
    };
    let answer = ask(port, "POST", "attest", &cookie, &serde_json::to_string(&attestation)?)?;
    let token: Value = serde_json::from_str(&answer.body)?;
    token["token"].as_str().ok_or("no token")?;
    let answer = ask(port, "GET", &format!("resource/{path}"), &cookie, "")?;
    let response: Response = serde_json::from_str(&answer.body)?;
    println!("{}", String::from_utf8(open(&response, &key)?)?);
    Ok(())
}

fn snp(dir: &Path, out: &Path, certificates: &[&str]) -> Outcome<()> {
    let report = AttestationReport::from_bytes(&fs::read(dir.join("evidence.bin"))?[..1184])?;
    let kinds = [CertType::VCEK, CertType::ASK, CertType::ARK];
    let mut chain = Vec::new();
    for (kind, name) in kinds.into_iter().zip(certificates) {
        chain.push(CertTableEntry::new(kind, fs::read(name)?));
    }
    let evidence = json!({ "attestation_report": report, "cert_chain": chain });
    Ok(fs::write(out, serde_json::to_string(&evidence)?)?)
}

fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[1..] {
        ["snp", dir, out, ref certificates @ ..] => snp(Path::new(dir), Path::new(out), certificates),
        ["begin", port, dir, tee] => begin(port, Path::new(dir), tee),
        ["finish", port, dir, evidence, path] => finish(port, Path::new(dir), Path::new(evidence), path),
        _ => Err("see the top of main.rs".into()),
    }
}
