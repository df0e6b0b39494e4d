package emitter

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/redis/go-redis/v9"
)

// isTransaction reports whether a pipeline comes from TxPipeline or TxPipelined,
// and is executed as MULTI and EXEC. go-redis does not say so: both kinds are a
// *redis.Pipeline, and only the name of the function that executes them differs.
// What cannot be told apart is taken for a plain pipeline.
func isTransaction(pipe redis.Pipeliner) bool {
	p, ok := pipe.(*redis.Pipeline)
	if !ok || p == nil {
		return false
	}
	exec := reflect.ValueOf(p).Elem().FieldByName("exec")
	if exec.Kind() != reflect.Func || exec.IsNil() {
		return false
	}
	f := runtime.FuncForPC(exec.Pointer())
	return f != nil && strings.Contains(f.Name(), ".TxPipeline.")
}
