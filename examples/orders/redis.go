package main

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// connect returns a client with the options that a service should start with;
// docs/service.md says why.
func connect(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true // a call ends with its context
	options.DialTimeout = 2 * time.Second
	options.ReadTimeout = 3 * time.Second // for calls whose context has no deadline
	options.WriteTimeout = 3 * time.Second
	options.DialerRetries = 1             // what dialling says is said at once
	options.MaxRetries = -1               // what may have been sent is not sent again
	options.ConnMaxIdleTime = time.Minute // before a firewall forgets the connection
	return redis.NewClient(options), nil
}
