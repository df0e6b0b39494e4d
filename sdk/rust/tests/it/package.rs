//! What would be published works in an empty project, where the README's code is run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rmpv::Value;
use serde_json::{Value as Json, json};

use crate::redis_server::Redis;
use crate::servers::Server;

const MANIFEST: &str = r#"
[package]
name = "empty"
version = "0.0.0"
edition = "2024"

[dependencies]
redis = { version = "1", features = ["tokio-comp"] }
serde = { version = "1", features = ["derive"] }
serde_bytes = "0.11"
serde_json = "1"
sioemit = { path = "sioemit-VERSION", features = ["tokio"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

[workspace]
"#;

/// An empty folder, which is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_readme_runs_from_the_packaged_crate() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let _server = Server::classic(&redis, answer);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = Folder(env::temp_dir().join(format!("sioemit-rust-package-{}", redis.port)));
    let src = folder.0.join("src/bin");
    fs::create_dir_all(&src).unwrap();

    let cargo = || Command::new(env!("CARGO"));
    let target = ["--target-dir".as_ref(), built.as_os_str()];
    run(cargo().args(["package", "--quiet", "--no-verify", "--allow-dirty"]).args(target).current_dir(here));
    let version = env!("CARGO_PKG_VERSION");
    let crate_file = built.join(format!("package/sioemit-{version}.crate"));
    run(Command::new("tar").arg("xzf").arg(crate_file).arg("-C").arg(&folder.0));
    fs::write(folder.0.join("Cargo.toml"), MANIFEST.replace("VERSION", version)).unwrap();
    fs::copy(here.join("Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();

    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    let mut programs = 0;
    for block in readme.split("```rust,no_run\n").skip(1) {
        let (code, _) = block.split_once("```").unwrap();
        fs::write(src.join(format!("block{programs}.rs")), program(code, &redis.url())).unwrap();
        programs += 1;
    }
    assert_eq!(programs, 10);
    run(cargo().args(["build", "--quiet", "--bins"]).args(target).current_dir(&folder.0));
    let printed: Vec<String> =
        (0..programs).map(|n| run(&mut Command::new(built.join(format!("debug/block{n}"))))).collect();
    assert_eq!(printed[9].split(':').next(), Some("empty-room"));
    let answers = "Ada is ready\ns1 is in [\"s1\", \"lobby\"]\n1 servers have it\n";
    assert_eq!(printed[..9].concat(), answers);

    // The two programs.
    let (channel, data, _) = listener.event();
    assert_eq!((channel.as_str(), data), ("socket.io#/#", Value::Array(vec!["hello".into(), "world".into()])));
    let (channel, data, options) = listener.event();
    assert_eq!((channel.as_str(), &options["except"]), ("socket.io#/#user:7#", &Value::Array(vec!["muted".into()])));
    assert_eq!((&data[1]["id"], &data[1]["total"]), (&12345.into(), &19.99.into()));
    let (channel, data, _) = listener.event();
    assert_eq!(channel, "socket.io#/admin#");
    assert_eq!(data, Value::Array(vec!["photo".into(), Value::Binary(vec![0xff, 0xd8])]));
    assert_eq!(listener.event().1, Value::Array(vec!["order:paid".into(), 12345.into()]));
    assert_eq!(listener.event().1, Value::Array(vec!["news".into(), "The shop is open".into()]));
    // Other servers: of the sharded adapter and of streams there is nothing to hear for whoever listens here.
    assert_eq!([(); 4].map(|()| listener.raw().0), ["socket.io#/#", "app#/#", "socket.io#/#", "flask-socketio"]);
    // Arguments.
    let words = || Value::Array(vec!["a".into(), "b".into()]);
    assert_eq!(listener.args(), []);
    assert_eq!(listener.args(), [Value::Map(vec![("id".into(), 12345.into())])]);
    assert_eq!(listener.args(), [1.into(), "two".into(), words()]);
    assert_eq!(listener.args(), [words()]);
    assert_eq!(listener.args(), ["a".into(), "b".into()]);
    assert_eq!(listener.event().2["rooms"], Value::Array(vec!["red".into(), "blue".into(), 7.into()]));
    // Targets, many, binary.
    assert_eq!(listener.event().1, Value::Array(vec!["a".into()]));
    assert_eq!(listener.event().2["flags"]["volatile"], true.into());
    for n in 0..1000 {
        assert_eq!(listener.args(), [n.into()]);
    }
    // Two questions, and what the server answers.
    let asked = [(); 5].map(|()| listener.raw().0);
    assert_eq!(asked.iter().filter(|channel| *channel == "socket.io-request#/#").count(), 2);
    // An event, and the question behind it.
    assert_eq!(listener.args(), ["in 5 minutes".into()]);
    assert_eq!([listener.raw().0, listener.raw().0], ["socket.io-request#/#", "socket.io-response#/#"]);
    assert_eq!(listener.args()[0]["image"], Value::Binary(vec![0xff, 0xd8]));
}

/// One client, and its acknowledgement.
fn answer(question: &Json) -> Vec<Vec<u8>> {
    let id = &question["requestId"];
    let replies = match question["type"].as_u64() {
        Some(0) => vec![json!({"requestId": id, "sockets": []})],
        Some(5) => vec![json!({"requestId": id, "sockets": [{"id": "s1", "rooms": ["s1", "lobby"]}]})],
        Some(7) => vec![
            json!({"type": 8, "requestId": id, "clientCount": 1}),
            json!({"type": 9, "requestId": id, "packet": {"name": "Ada"}}),
        ],
        _ => Vec::new(),
    };
    replies.iter().map(|reply| reply.to_string().into_bytes()).collect()
}

#[test]
fn the_example_runs() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    // The tests and the examples are built together, next to each other.
    let example = env::current_exe().unwrap().parent().unwrap().join("../examples/notify");
    assert_eq!(run(Command::new(example).arg(redis.url())), "0 servers listen\n");
    assert_eq!(
        [listener.raw().0, listener.raw().0, listener.raw().0],
        ["socket.io#/#user:7#", "socket.io#/#", "socket.io-request#/#"]
    );
}

/// A program of a block of the README: as it is, or with a main that calls its function.
fn program(code: &str, url: &str) -> String {
    let code = code.replace("redis://localhost:6379", url);
    if code.contains("fn main()") {
        return code;
    }
    let (_, rest) = code.rsplit_once("\nfn ").unwrap();
    let (name, rest) = rest.split_once('(').unwrap();
    let of = if rest.starts_with("redis: &redis::Client") {
        "client"
    } else {
        "Emitter::new(client.get_connection().unwrap())"
    };
    let replies = if rest.contains("client: redis::Client)") { ", client.clone()" } else { "" };
    format!(
        "{code}\nfn main() {{\n    let client = redis::Client::open({url:?}).unwrap();\n    {name}(&{of}{replies}).unwrap();\n}}\n"
    )
}
