// Package harness starts the real things that sioemit is tested against: redis-server, Redis Cluster, official
// Socket.IO servers of every generation, and official clients of every generation.
//
//	r, err := harness.StartRedis(ctx, harness.RedisConfig{})
//	node, err := harness.StartNode(ctx, harness.NodeConfig{
//		Server:  harness.V4.Server,
//		Adapter: harness.RedisAdapter8,
//		Redis:   r.Conn(),
//	})
//	clients, err := harness.StartClients(ctx, harness.V4)
//	c, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Rooms: []string{"a"}})
//	// ... publish something ...
//	err = c.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 })
//
// A context given to a Start function bounds the start, not the life of what was started: that ends with Close.
// Nothing here sleeps and hopes: a Start function returns when the thing is really usable, and every wait is for
// a condition, until the context ends. All children die with the process that started them.
package harness
