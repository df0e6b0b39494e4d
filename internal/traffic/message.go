package traffic

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/settings"
)

// Message decodes what arrived. It returns nil for what belongs to another
// namespace, and an error for what servers would not understand either.
func (t *Traffic) Message(a Arrival) (*protocol.Message, error) {
	namespace := t.settings.Namespace
	if a.Fields != nil {
		m, err := protocol.UnmarshalEntry(a.Fields)
		if err == nil && m.Namespace != namespace {
			return nil, nil
		}
		return m, err
	}
	m, err := protocol.Unmarshal([]byte(a.Payload))
	if err != nil {
		return nil, err
	}
	if t.settings.Adapter == settings.Python && m.IsPython { // one channel for all namespaces
		if m.Namespace != namespace {
			return nil, nil
		}
		return m, nil
	}
	if m.IsPython || t.settings.Adapter == settings.Python {
		return nil, errors.New("it is a message of another adapter")
	}
	if m.Namespace != "" && m.Namespace != namespace {
		return nil, fmt.Errorf("it says namespace %q, so servers ignore it on this channel", m.Namespace)
	}
	if t.settings.Adapter != settings.Classic {
		if m.Number < 0 {
			return nil, errors.New("it is a message of the classic adapter")
		}
		return m, nil
	}
	format := t.settings.Classic()
	onRequestChannels := a.Channel == format.RequestChannel(namespace) || strings.HasPrefix(a.Channel, format.ResponseChannel(namespace))
	if onRequestChannels == (m.Kind == protocol.KindEvent) {
		return nil, fmt.Errorf("servers expect something else on this channel than %s", m.Kind)
	}
	if m.Kind != protocol.KindEvent && !m.IsReply && t.settings.Version < 3 {
		return protocol.UnmarshalUnknown([]byte(a.Payload))
	}
	return m, nil
}
