// Package emittertest is for tests of code that emits. It needs no Redis: a
// Recorder takes what an Emitter sends, and hands it out decoded.
//
//	recorder := emittertest.NewRecorder()
//	io := emitter.New(recorder.Client())
//	pay(ctx, io, order) // the code under test
//	for _, call := range recorder.Calls() {
//		...
//	}
//
// The Emitter is the real one, with any of its options. So what is wrong with a
// call is an error in the test as well, and what is recorded has been encoded
// for servers, and is decoded as a client would see it.
package emittertest
