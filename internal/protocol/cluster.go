package protocol

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

// setCluster reads the data of a request of an adapter that extends
// ClusterAdapter.
func (m *Message) setCluster() error {
	v, err := m.data.Decode()
	if err != nil {
		return err
	}
	data, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("the data is %s, not an object", describe(v))
	}
	m.source = []byte(m.data.Text)
	if m.Kind == KindServerEmit {
		return m.setServerSide(data["packet"], "packet")
	}
	if err := m.setTarget(data["opts"]); err != nil {
		return err
	}
	switch m.Number {
	case wire.ClusterJoin, wire.ClusterLeave:
		return m.setChange(data)
	case wire.ClusterDisconnect:
		m.Close, _ = data["close"].(bool)
		return nil
	case wire.ClusterFetch:
		return nil
	}
	return m.setEvent(data["packet"], "packet", "data")
}
