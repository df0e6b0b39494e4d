#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "sync", feature = "tokio")))]
compile_error!("sioemit needs one of its features sync and tokio");

mod answers;
mod args;
mod asking;
#[cfg(feature = "tokio")]
mod async_emitter;
#[cfg(feature = "tokio")]
mod async_replies;
#[cfg(feature = "tokio")]
mod async_way;
mod base64;
mod classic;
mod cluster_message;
mod confirm;
mod count;
mod decode;
#[cfg(feature = "sync")]
mod emitter;
mod error;
mod heartbeats;
mod json;
mod key;
mod message;
mod options;
mod pipeline;
mod python;
mod raw;
#[cfg(feature = "sync")]
mod replies;
mod reply;
mod room;
mod sent;
mod sharded;
mod state;
mod streams;
mod target;
#[cfg(feature = "sync")]
mod timed_connection;
mod value;
#[cfg(feature = "sync")]
mod way;

pub use answers::{Acks, Incomplete, Partial, Socket, Unconfirmed};
pub use args::{Args, Spread};
#[cfg(feature = "tokio")]
pub use async_emitter::{AsyncEmitter, Sending};
pub use decode::{DecodeError, Value};
#[cfg(feature = "sync")]
pub use emitter::Emitter;
pub use error::{Error, Reason, Refusal};
pub use options::{Adapter, Codec, Options};
pub use pipeline::Pipeline;
pub use python::Python;
pub use room::{Room, Rooms};
pub use sharded::{Sharded, SubscriptionMode};
pub use streams::Streams;
