//! Compiles the service's contracts without `protoc`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost_types::field_descriptor_proto::Type;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

const CONTRACTS: [&str; 2] =
    ["proto/postloan/v1/risk_classifier.proto", "proto/inference/open_inference.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={contract}");
    }
    let mut descriptors = protox::compile(CONTRACTS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("contracts.binpb"), encoded(&descriptors))?;

    take_reviews_as_bytes(&mut descriptors);
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        .build_client(true)
        .compile_fds(descriptors)?;
    Ok(())
}

fn encoded(descriptors: &FileDescriptorSet) -> Vec<u8> {
    use prost::Message;
    descriptors.encode_to_vec()
}

/// A string that is not UTF-8 fails the decoding of its whole message, neighbours included. A
/// review's strings are therefore decoded as bytes, the same on the wire, and checked one by one.
fn take_reviews_as_bytes(descriptors: &mut FileDescriptorSet) {
    let contract = |file: &&mut FileDescriptorProto| file.package() == "postloan.v1";
    for file in descriptors.file.iter_mut().filter(contract) {
        for message in file.message_type.iter_mut().filter(|message| message.name() == "Review") {
            for field in &mut message.field {
                field.set_type(Type::Bytes);
            }
        }
    }
}
