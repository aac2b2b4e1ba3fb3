// SPDX-License-Identifier: Apache-2.0
//! call-ttrpc METHOD HANDLE SIZE OUT    in a guest: one call to its evidence broker, the response into OUT
//!
//! The public broker's own client was made with this crate. Ends with 1 and the status when the call is refused.

use std::{env, error::Error, fs};

/// A protobuf message of numbers, field 1 and on.
fn message(numbers: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, number) in numbers.iter().enumerate().filter(|(_, number)| **number != 0) {
        out.push(((field as u8 + 1) << 3) as u8);
        let mut left = *number;
        while left > 127 {
            out.push((left & 127) as u8 | 128);
            left >>= 7;
        }
        out.push(left as u8);
    }
    out
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let mut request = ttrpc::Request::new();
    request.service = "aeb.AEB".to_string();
    request.method = args[1].clone();
    request.timeout_nano = 20_000_000_000;
    request.payload = message(&[args[2].parse()?, args[3].parse()?]);
    let client = ttrpc::Client::connect("vsock://2:5577")?;
    let response = client.request(request)?;
    Ok(fs::write(&args[4], response.payload)?)
}
