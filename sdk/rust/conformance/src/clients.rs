//! The connections of redis-rs, which are kept.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::ConnectionLike as AsyncConnectionLike;
use redis::aio::ConnectionManagerConfig;
use redis::cluster::ClusterClient;
use redis::{AsyncConnectionConfig, ConnectionLike};
use serde_json::Value as Json;
use sioemit::{AsyncEmitter, Emitter, Options, Pipeline, Sending, Spread};
use tokio::runtime::Runtime;

use crate::Failure;
use crate::calls::{self, ask, call, chain};
use crate::results::{Shown, answer};

pub const VARIANTS: [&str; 3] = ["redis-rs-sync", "redis-rs-tokio", "redis-rs-connection-manager"];

/// How long a connection and an answer may take: redis-rs gives an answer half a second, which a machine that is busy
/// with other tests does not always keep.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

type Answer = Result<Option<Json>, Failure>;

/// Whether the calls of a variant block.
pub fn blocks(variant: &str) -> bool {
    variant == "redis-rs-sync"
}

/// Makes calls over connections to the Redis that each line names.
pub struct Clients {
    variant: String,
    runtime: Runtime,
    open: HashMap<(String, bool), Client>,
}

enum Client {
    Sync(redis::Connection),
    SyncCluster(Box<redis::cluster::ClusterConnection>),
    Multiplexed(redis::aio::MultiplexedConnection),
    Manager(redis::aio::ConnectionManager),
    AsyncCluster(redis::cluster_async::ClusterConnection),
}

impl Clients {
    pub fn new(variant: &str) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { variant: variant.to_owned(), runtime, open: HashMap::new() })
    }

    pub fn call(&mut self, line: &Json) -> Answer {
        let options = calls::options(&line["options"])?;
        let place = (line["redis"].as_str().unwrap_or_default().to_owned(), line["cluster"] == true);
        if !self.open.contains_key(&place) {
            let client = self.connect(&place.0, place.1)?;
            self.open.insert(place.clone(), client);
        }
        let runtime = &self.runtime;
        match self.open.get_mut(&place) {
            None => Err(Failure::Skip("no connection".to_owned())),
            Some(Client::Sync(connection)) => blocking(connection, options, &place.0, line),
            Some(Client::SyncCluster(connection)) => blocking(&mut **connection, options, &place.0, line),
            Some(Client::Multiplexed(connection)) => runtime.block_on(awaited(connection, options, &place.0, line)),
            Some(Client::Manager(connection)) => runtime.block_on(awaited(connection, options, &place.0, line)),
            Some(Client::AsyncCluster(connection)) => runtime.block_on(awaited(connection, options, &place.0, line)),
        }
    }

    fn connect(&self, url: &str, cluster: bool) -> Result<Client, Failure> {
        Ok(match (self.variant.as_str(), cluster) {
            ("redis-rs-sync", false) => Client::Sync(redis::Client::open(url)?.get_connection()?),
            ("redis-rs-sync", true) => Client::SyncCluster(Box::new(ClusterClient::new([url])?.get_connection()?)),
            ("redis-rs-tokio", false) => Client::Multiplexed(self.runtime.block_on(
                redis::Client::open(url)?.get_multiplexed_async_connection_with_config(
                    &AsyncConnectionConfig::new().set_response_timeout(PATIENCE).set_connection_timeout(PATIENCE),
                ),
            )?),
            (_, false) => {
                Client::Manager(self.runtime.block_on(redis::Client::open(url)?.get_connection_manager_with_config(
                    ConnectionManagerConfig::new().set_response_timeout(PATIENCE).set_connection_timeout(PATIENCE),
                ))?)
            }
            (_, true) => {
                let patient = ClusterClient::builder([url]);
                let patient =
                    patient.response_timeout(Duration::from_secs(60)).connection_timeout(Duration::from_secs(60));
                Client::AsyncCluster(self.runtime.block_on(patient.build()?.get_async_connection())?)
            }
        })
    }
}

fn blocking(connection: &mut impl ConnectionLike, options: Options, url: &str, line: &Json) -> Answer {
    let io = Emitter::with_options(connection, options)?.replies(redis::Client::open(url)?);
    if let Some(steps) = line["sequence"].as_array() {
        return Ok(Some(steps.iter().map(|step| answer(blocked(&io, step))).collect()));
    }
    blocked(&io, line)
}

fn blocked(io: &Emitter<impl ConnectionLike>, step: &Json) -> Answer {
    if let Some(steps) = step["pipeline"].as_array() {
        return collected(steps, |calls| io.pipeline(calls));
    }
    ask!(chain!(io, step), step, returned)
}

async fn awaited<C>(connection: &C, options: Options, url: &str, line: &Json) -> Answer
where
    C: AsyncConnectionLike + Clone + Send + Sync + 'static,
{
    let io = AsyncEmitter::with_options(connection.clone(), options)?.replies(redis::Client::open(url)?);
    if let Some(steps) = line["sequence"].as_array() {
        let mut answers = Vec::new();
        for step in steps {
            answers.push(answer(made(&io, step).await));
        }
        return Ok(Some(answers.into()));
    }
    if let Some(steps) = line["together"].as_array() {
        let steps = steps.iter().map(|step| made(&io, step));
        return Ok(Some(join_all(steps).await.into_iter().map(answer).collect()));
    }
    made(&io, line).await
}

async fn made<C>(io: &AsyncEmitter<C>, step: &Json) -> Answer
where
    C: AsyncConnectionLike + Clone + Send + Sync + 'static,
{
    if let Some(steps) = step["pipeline"].as_array() {
        let mut sending = None;
        collected(steps, |calls| {
            sending = Some(io.pipeline(calls));
            Ok(())
        })?;
        if let Some(sending) = sending {
            sending.await?;
        }
        return Ok(None);
    }
    ask!(chain!(io, step), step, awaiting).await
}

fn returned<T: Shown>(result: Result<T, sioemit::Error>) -> Answer {
    Ok(result?.shown())
}

fn awaiting<T: Shown + 'static>(sending: Sending<T>) -> Pin<Box<dyn Future<Output = Answer>>> {
    Box::pin(async { returned(sending.await) })
}

/// Makes the calls of a pipeline.
fn collected(
    steps: &[Json],
    pipeline: impl FnOnce(&mut dyn FnMut(&Pipeline<'_>) -> Result<(), sioemit::Error>) -> Result<(), sioemit::Error>,
) -> Answer {
    let mut skipped = None;
    pipeline(&mut |io| {
        for step in steps {
            match added(io, step) {
                Ok(()) => {}
                Err(Failure::Refused(err)) => return Err(err),
                Err(skip) => {
                    skipped = Some(skip);
                    break;
                }
            }
        }
        Ok(())
    })?;
    skipped.map_or(Ok(None), Err)
}

fn added(io: &Pipeline<'_>, step: &Json) -> Result<(), Failure> {
    call!(chain!(io, step), step, |result: Result<(), sioemit::Error>| result)?;
    Ok(())
}
