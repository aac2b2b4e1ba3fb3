// SPDX-License-Identifier: Apache-2.0
//! call-tdx-attest REPORT-DATA OUT: in a TD, a TDREPORT for 64 bytes in base64, into the file OUT

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let report = tdx_attest::get_td_report(args[1].clone()).expect("the TDREPORT");
    std::fs::write(&args[2], report).expect("the file");
}
