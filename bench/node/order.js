// The event that every figure but those of payload size is about.
exports.order = {
  id: 12345,
  title: "Order shipped",
  price: 19.99,
  tags: ["a", "b", "c"],
  user: { id: "u_123", name: "Ada" },
};
