// Package barrier proves that servers have taken what was sent to them. A server
// takes the messages of one connection in order, so that its answer to a question
// asked behind events says that it has taken these, as long as nothing on the way
// was replaced meanwhile: see state.
package barrier
