//! The codec of all our services: prost's, except that undecodable bytes are the sender's error.
//!
//! tonic answers bytes that it cannot decode with INTERNAL, which would blame the server. Here a request that is
//! not the method's message is INVALID_ARGUMENT with the reason MALFORMED_MESSAGE.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use crate::common::v1::CommonErrorReason;
use crate::error::Problem;

/// How prost begins each of its errors; our message says the same in its own words.
const PREFIX: &str = "failed to decode Protobuf message: ";

/// Encodes `T` and decodes `U` as `application/grpc+proto`.
#[derive(Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProblemDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProblemDecoder(PhantomData)
    }
}

/// Decodes `U`; an error is MALFORMED_MESSAGE and says where the bytes went wrong.
#[derive(Debug)]
pub struct ProblemDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for ProblemDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| {
            let error = error.to_string();
            let fault = error.strip_prefix(PREFIX).unwrap_or(&error);
            let message = format!("the message cannot be decoded: {fault}");
            Problem::invalid(CommonErrorReason::MalformedMessage, message).into()
        })
    }
}
