# Sends events from Elixir. sioemit takes a line of JSON for each, here from a file, because a port cannot close the input
# of a program and wait for its end; it finds Redis by SIOEMIT_REDIS_URL. Jason.encode!, or JSON.encode! of Elixir 1.18,
# do as well as jiffy.
events = [
  # everyone
  %{event: "hello", args: ["world"]},
  %{event: "order:paid", args: [%{id: 12345, total: 19.99}], rooms: ["user:7"], except: ["muted"]},
  # base64 arrives as binary
  %{event: "photo", args: [%{"$binary": Base.encode64(<<0xFF, 0xD8>>)}], namespace: "/admin"}
]

file = Path.join(System.tmp_dir!(), "events-#{System.pid()}.jsonl")
File.write!(file, Enum.map(events, &[:jiffy.encode(&1), "\n"]))
{_, status} = System.cmd("sioemit", ["pipe", file])
File.rm!(file)
System.halt(status)
