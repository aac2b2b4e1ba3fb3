// SPDX-License-Identifier: Apache-2.0
//! call-sev collect DIR DATA      in a guest: report with certificates, and derived keys, into DIR
//! call-sev verify DIR [MODEL]    DIR/report.bin under DIR/ark.der, or under AMD's own ARK and ASK
//! call-sev ark MODEL             AMD's own ARK as the crate has it, PEM
//!
//! DATA is a file of 64 bytes, MODEL milan, genoa or turin. Ends with 1 and a sentence when the crate
//! refuses.

use sev::certs::snp::{builtin, ca, Certificate, Chain, Verifiable};
use sev::firmware::guest::{AttestationReport, DerivedKey, Firmware, GuestFieldSelect};
use sev::firmware::host::CertType;
use sev::parser::ByteParser;
use std::{env, error::Error, fs, path::Path};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn amd(model: &str) -> Outcome<ca::Chain> {
    let (ark, ask) = match model {
        "milan" => (builtin::milan::ark()?, builtin::milan::ask()?),
        "genoa" => (builtin::genoa::ark()?, builtin::genoa::ask()?),
        "turin" => (builtin::turin::ark()?, builtin::turin::ask()?),
        _ => return Err("no such model".into()),
    };
    Ok(ca::Chain { ark, ask })
}

fn collect(dir: &Path, data: &Path) -> Outcome<()> {
    let data: [u8; 64] = fs::read(data)?.as_slice().try_into()?;
    let mut firmware = Firmware::open()?;

    for vmpl in 0..4 {
        let bytes = firmware.get_report(None, Some(data), Some(vmpl))?;
        let report = AttestationReport::from_bytes(&bytes)?;
        if report.vmpl != vmpl || report.report_data != data {
            return Err(format!("asked for VMPL {vmpl}, the report is for {}", report.vmpl).into());
        }
    }

    let (report, certificates) = firmware.get_ext_report(None, Some(data), Some(0))?;
    fs::write(dir.join("report.bin"), report)?;
    for entry in certificates.ok_or("the host handed out no certificates")? {
        let name = match entry.cert_type {
            CertType::ARK => "ark.der",
            CertType::ASK => "ask.der",
            CertType::VCEK | CertType::VLEK => "vek.der",
            _ => continue,
        };
        fs::write(dir.join(name), &entry.data)?;
    }

    let mut key = |fields, vmpl| {
        let request = DerivedKey::new(false, GuestFieldSelect(fields), vmpl, 0, 0, None);
        firmware.get_derived_key(Some(1), request)
    };
    let first = key(1, 0)?;
    if first != key(1, 0)? || first == key(9, 0)? || first == key(1, 1)? || first == [0; 32] {
        return Err("derived keys do not follow what was asked for".into());
    }
    Ok(())
}

fn verify(dir: &Path, model: Option<&String>) -> Outcome<()> {
    let certificate =
        |name| -> Outcome<_> { Ok(Certificate::from_bytes(&fs::read(dir.join(name))?)?) };
    let ca = match model {
        Some(model) => amd(model)?,
        None => ca::Chain {
            ark: certificate("ark.der")?,
            ask: certificate("ask.der")?,
        },
    };
    let chain = Chain {
        ca,
        vek: certificate("vek.der")?,
    };
    let report = AttestationReport::from_bytes(&fs::read(dir.join("report.bin"))?)?;
    Ok((&chain, &report).verify()?)
}

fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().collect();
    match args[1].as_str() {
        "collect" => collect(Path::new(&args[2]), Path::new(&args[3])),
        "verify" => verify(Path::new(&args[2]), args.get(3)),
        "ark" => {
            print!("{}", String::from_utf8(amd(&args[2])?.ark.to_pem()?)?);
            Ok(())
        }
        other => Err(format!("no such command: {other}").into()),
    }
}
