# Sends events from Ruby. One sioemit stays open and takes a line of JSON for each; it finds Redis by SIOEMIT_REDIS_URL.
require "json"

IO.popen(["sioemit", "pipe"], "w") do |sioemit|
  emit = ->(event, *args, **target) { sioemit.puts({ event:, args:, **target }.to_json) }

  emit.("hello", "world") # everyone
  emit.("order:paid", { id: 12345, total: 19.99 }, rooms: ["user:7"], except: ["muted"])
  emit.("photo", { "$binary" => ["\xff\xd8"].pack("m0") }, namespace: "/admin") # base64 arrives as binary
end
abort "sioemit did not send them all" unless $?.success?
