//! The contracts of `proto/`, compiled: messages, services and clients.

pub use generated::{inference, v1};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    rustdoc::all,
    reason = "generated; documented in proto/"
)]
mod generated {
    /// `postloan.v1`: this project's own contract.
    ///
    /// The strings of a [`Review`](v1::Review) are bytes here, the same on the wire: one that is
    /// not UTF-8 is then an error of its review, not of its whole message.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/postloan.v1.rs"));
    }

    /// `inference`: the Open Inference Protocol, version 2.
    pub mod inference {
        include!(concat!(env!("OUT_DIR"), "/inference.rs"));
    }
}

/// Both contracts as an encoded `google.protobuf.FileDescriptorSet`, as written in `proto/`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contracts.binpb"));
