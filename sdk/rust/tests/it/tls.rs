//! Replies over TLS: their connections have the certificates of the client.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use redis::cluster::ClusterClient;
use redis::{AsyncConnectionConfig, Client, ClientTlsConfig, TlsCertificates};
use sioemit::{AsyncEmitter, Emitter, Error, Options, Sharded, Socket};
use tokio::runtime::Runtime;

use crate::cluster::Cluster;
use crate::members::{Joined, Member};
use crate::redis_server::{Redis, free_port};

const MINUTE: Duration = Duration::from_secs(60);

/// Certificates of one authority: for Redis, in files, and for its clients.
struct Certificates {
    directory: PathBuf,
    of_client: TlsCertificates,
}

impl Certificates {
    fn make() -> Self {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let [of_redis, of_client] = [(); 2].map(|()| {
            let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        });
        let directory = std::env::temp_dir().join(format!("sioemit-rust-tls-{}", free_port()));
        fs::create_dir(&directory).unwrap();
        for (name, text) in [("root", &root), ("certificate", &of_redis.0), ("key", &of_redis.1)] {
            fs::write(directory.join(name), text).unwrap();
        }
        let client_tls = ClientTlsConfig { client_cert: of_client.0.into(), client_key: of_client.1.into() };
        Self { directory, of_client: TlsCertificates { client_tls: Some(client_tls), root_cert: Some(root.into()) } }
    }

    /// A Redis with another port, where each client needs a certificate.
    fn redis(&self, options: &[&str]) -> (Redis, u16) {
        let port = free_port();
        let [root, certificate, key] =
            ["root", "certificate", "key"].map(|name| self.directory.join(name).to_str().unwrap().to_owned());
        let tls = [
            "--tls-port",
            &port.to_string(),
            "--tls-ca-cert-file",
            &root,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
        ];
        (Redis::start(&[&tls, options].concat()), port)
    }

    fn client(&self, port: u16) -> Client {
        Client::build_with_tls(url(port), self.of_client.clone()).unwrap()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).unwrap();
    }
}

fn url(port: u16) -> String {
    format!("rediss://127.0.0.1:{port}")
}

/// Makes calls that wait for a server, in each of which it is asked once.
fn check(
    member: &Member,
    fetch: impl Fn() -> Result<Vec<Socket>, Error>,
    emit: impl Fn() -> Result<(), Error>,
    confirm: impl Fn() -> Result<u64, Error>,
) {
    let before = (member.questions(), member.events());
    assert_eq!(fetch().unwrap().len(), 0);
    assert_eq!(confirm().unwrap(), 1);
    emit().unwrap();
    assert_eq!(confirm().unwrap(), 1);
    assert_eq!((member.questions() - before.0, member.events() - before.1), (3, 1));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn replies_come_over_tls() {
    let certificates = Certificates::make();
    let (redis, port) = certificates.redis(&[]);
    let member = Member::start(&redis, Joined::Classic, "00000000000000aa");
    let client = certificates.client(port);

    let io = Emitter::new(client.get_connection().unwrap()).replies(client.clone()).timeout(MINUTE);
    check(&member, || io.fetch_sockets(), || io.emit("ev", ()), || io.confirm());

    let runtime = runtime();
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(MINUTE)).set_response_timeout(Some(MINUTE));
    let connection = runtime.block_on(client.get_multiplexed_async_connection_with_config(&config)).unwrap();
    let io = AsyncEmitter::new(connection).replies(client).timeout(MINUTE);
    check(
        &member,
        || runtime.block_on(io.fetch_sockets()),
        || runtime.block_on(io.emit("ev", ())),
        || runtime.block_on(io.confirm()),
    );
}

#[test]
fn replies_come_over_tls_from_the_node_of_a_cluster_that_has_the_slot() {
    let certificates = Certificates::make();
    let cluster = Cluster::start_with(|options| certificates.redis(&[options, &["--tls-cluster", "yes"]].concat()));
    let member = Member::start(&cluster.nodes[0], Joined::Sharded, "00000000000000aa");
    let client = ClusterClient::builder([url(cluster.ports[0])])
        .certs(certificates.of_client.clone())
        .connection_timeout(MINUTE)
        .response_timeout(MINUTE)
        .build()
        .unwrap();
    let (replies, options) = (certificates.client(cluster.ports[1]), Options::new().adapter(Sharded::new()));

    let io = Emitter::with_options(client.get_connection().unwrap(), options.clone()).unwrap();
    let io = io.replies(replies.clone()).timeout(MINUTE);
    check(&member, || io.fetch_sockets(), || io.emit("ev", ()), || io.confirm());

    let runtime = runtime();
    let connection = runtime.block_on(client.get_async_connection()).unwrap();
    let io = AsyncEmitter::with_options(connection, options).unwrap().replies(replies).timeout(MINUTE);
    check(
        &member,
        || runtime.block_on(io.fetch_sockets()),
        || runtime.block_on(io.emit("ev", ())),
        || runtime.block_on(io.confirm()),
    );
}
