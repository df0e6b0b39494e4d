#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "sync", feature = "tokio")))]
compile_error!("sioemit needs one of its features sync and tokio");

mod args;
#[cfg(feature = "tokio")]
mod async_emitter;
mod base64;
mod classic;
mod cluster_message;
mod count;
#[cfg(feature = "sync")]
mod emitter;
mod error;
mod json;
mod key;
mod message;
mod options;
mod pipeline;
mod python;
mod room;
mod sharded;
mod streams;
mod target;
mod value;

pub use args::{Args, Spread};
#[cfg(feature = "tokio")]
pub use async_emitter::{AsyncEmitter, Sending};
#[cfg(feature = "sync")]
pub use emitter::Emitter;
pub use error::{Error, Reason, Refusal};
pub use options::{Adapter, Codec, Options};
pub use pipeline::Pipeline;
pub use python::Python;
pub use room::{Room, Rooms};
pub use sharded::{Sharded, SubscriptionMode};
pub use streams::Streams;
