package wire

// Detach appends a MessagePack value with {"_placeholder":true,"num":n} in place
// of its binary, and returns the binary, in that order. The value is whole and
// without extensions.
func Detach(dst []byte, msgpack string) (out []byte, binaries []string) {
	for msgpack != "" {
		head, _ := readPackHead(msgpack) // of a whole value there is no error
		value := msgpack[:head.size]
		msgpack = msgpack[head.size:]
		if c := value[0]; c < 0xc4 || c > 0xc6 {
			dst = append(dst, value...) // and what it holds comes next
			continue
		}
		dst = AppendMapHeader(dst, 2)
		dst = AppendBool(AppendString(dst, "_placeholder"), true)
		dst = AppendUint(AppendString(dst, "num"), uint64(len(binaries)))
		binaries = append(binaries, value[1+packKinds[value[0]-0xc0].length:])
	}
	return dst, binaries
}

// JSONDepth returns how many arrays and objects are open at once in JSON text that
// is valid.
func JSONDepth(text []byte) (depth int) {
	open, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			open++
			depth = max(depth, open)
		case !quoted && (c == ']' || c == '}'):
			open--
		case c == '\\':
			i++ // an escaped quote ends nothing
		}
	}
	return depth
}
