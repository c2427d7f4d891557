//! The typed contracts of ordermesh: messages, clients and servers generated from `proto/ordermesh`.
//!
//! The modules follow the proto packages: `order::v1` is `ordermesh.order.v1`. Beside the generated code stand
//! [`codec`], which turns undecodable bytes into the caller's error, and [`error`], the one shape of an error on
//! the wire. Feed requests and responses of every context are the types of [`feed::v1`]; see `build.rs`.

pub mod codec;
pub mod error;
pub mod event_types;

mod generated {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/ordermesh.rs"));
}
pub use generated::ordermesh::*;

/// The descriptor image of all contracts with options, imports and comments: an encoded
/// `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
