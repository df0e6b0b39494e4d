//! Tells one user, everyone but the muted, and the servers: `cargo run --example notify [redis://HOST:PORT]`.

use std::error::Error;

use sioemit::{Emitter, Spread};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://localhost:6379".to_owned());
    let mut redis = redis::Client::open(url)?.get_connection()?;
    let io = Emitter::new(&mut redis);
    io.to("user:7").emit("order:paid", Spread((12345, 19.99)))?;
    io.except("muted").emit("news", "The shop is open")?;
    io.server_side_emit("reload-config", ())?;
    println!("{} servers listen", io.server_count()?);
    Ok(())
}
