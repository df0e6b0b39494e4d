//! Against a real redis-server, which each test starts and stops.

mod asking;
mod asynchronous;
mod cluster;
mod confirm;
mod emitter;
mod members;
mod package;
mod python;
mod redis_server;
mod sentinel;
mod servers;
mod tls;
mod values;
mod ways;
