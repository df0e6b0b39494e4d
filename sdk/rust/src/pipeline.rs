//! Many calls in one round trip.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::args::Args;
use crate::error::{Error, Reason, Refusal};
use crate::message::{Request, Sink};
use crate::options::Settings;
use crate::room::Rooms;
use crate::sent::{Channel, Sent};
use crate::target::{Target, operators};
use crate::value::Encoder;

/// Collects what is sent, for one round trip. It is what the closure of `pipeline` gets.
///
/// Its calls are those of an emitter; what is wrong with one is its error, at once.
#[derive(Clone)]
pub struct Pipeline<'p> {
    settings: &'p Settings,
    sent: &'p Sent,
    target: Target,
    batch: &'p RefCell<Batch<dyn Sink + 'p>>,
}

const BINARY: &str =
    "servers are asked whether they can read binary before they get it, which a pipeline cannot wait for";

/// What a pipeline adds to.
pub(crate) struct Batch<S: ?Sized> {
    encoder: Encoder,
    channels: BTreeSet<Channel>,
    sink: S,
}

/// Runs the closure of a pipeline, and returns what it added, and the channels of rooms among that.
pub(crate) fn collect<S: Sink>(
    settings: &Settings,
    sent: &Sent,
    target: &Target,
    sink: S,
    calls: impl FnOnce(&Pipeline<'_>) -> Result<(), Error>,
) -> Result<(S, BTreeSet<Channel>), Error> {
    let batch = RefCell::new(Batch { encoder: Encoder::new(), channels: BTreeSet::new(), sink });
    calls(&Pipeline { settings, sent, target: target.clone(), batch: &batch })?;
    let Batch { sink, channels, .. } = batch.into_inner();
    Ok((sink, channels))
}

operators!(Pipeline<'_>);

impl Pipeline<'_> {
    fn with(&self, target: Target) -> Self {
        Self { settings: self.settings, sent: self.sent, target, batch: self.batch }
    }

    /// Adds an event; see [`Emitter::emit`](crate::Emitter::emit).
    ///
    /// # Errors
    ///
    /// What is wrong with the event.
    pub fn emit(&self, event: &str, args: impl Args) -> Result<(), Error> {
        let batch = &mut *self.batch.borrow_mut();
        self.settings.emit(&self.target, event, &args, &mut batch.encoder, &mut batch.sink)?;
        self.sent.goes_to(&self.target.namespace);
        batch.channels.extend(self.settings.room_channel(&self.target));
        Ok(())
    }

    /// Adds a request; see [`Emitter::sockets_join`](crate::Emitter::sockets_join).
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub fn sockets_join(&self, rooms: impl Rooms) -> Result<(), Error> {
        self.request(&Request::join(rooms)?)
    }

    /// Adds a request; see [`Emitter::sockets_leave`](crate::Emitter::sockets_leave).
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub fn sockets_leave(&self, rooms: impl Rooms) -> Result<(), Error> {
        self.request(&Request::leave(rooms)?)
    }

    /// Adds a request; see [`Emitter::disconnect_sockets`](crate::Emitter::disconnect_sockets).
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub fn disconnect_sockets(&self, close: bool) -> Result<(), Error> {
        self.request(&Request::Disconnect { close })
    }

    /// Adds an event for servers; see [`Emitter::server_side_emit`](crate::Emitter::server_side_emit).
    ///
    /// # Errors
    ///
    /// What is wrong with the event.
    pub fn server_side_emit(&self, event: &str, args: impl Args) -> Result<(), Error> {
        let batch = &mut *self.batch.borrow_mut();
        if self.settings.server_side_emit(&self.target, event, &args, None, &mut batch.encoder, &mut batch.sink)? {
            return Err(Refusal::new(Reason::Pipelined, BINARY).into());
        }
        self.sent.goes_to(&self.target.namespace);
        batch.channels.extend(self.settings.server_channel(&self.target));
        Ok(())
    }

    fn request(&self, request: &Request) -> Result<(), Error> {
        let batch = &mut *self.batch.borrow_mut();
        self.settings.request(&self.target, request, &mut batch.encoder, &mut batch.sink)?;
        self.sent.goes_to(&self.target.namespace);
        Ok(())
    }
}

impl std::fmt::Debug for Pipeline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("target", &self.target).finish_non_exhaustive()
    }
}
