package svckit

/*
#include <svckit.h>

#cgo noescape svckit_zone_answer
#cgo nocallback svckit_zone_answer
*/
import "C"

import (
	"math/rand/v2"
	"net/netip"
	"unsafe"
)

// Peer is who asks, and how.
type Peer struct {
	// Address is the client's; not needed.
	Address netip.Addr
	// TCP is whether the reply goes over TCP and may be as long as it likes.
	TCP bool
}

// Action is what is to be done about a DNS message.
type Action uint8

// The actions.
const (
	// Drop: send nothing.
	Drop Action = C.SVCKIT_REPLY_DROP
	// Send: send the reply.
	Send Action = C.SVCKIT_REPLY_SEND
	// Foreign: the name isn't ours. Ask somebody else and send what they say, or send the reply, which refuses.
	Foreign Action = C.SVCKIT_REPLY_FOREIGN
	// Upstream: the reply is an alias that leads to somebody else's name. Resolve [Zone.Target] and call
	// [Zone.Complete], or send the reply as it is.
	Upstream Action = C.SVCKIT_REPLY_UPSTREAM
)

// AnswerMax is the length of the largest answer of all; 512 is enough over UDP without EDNS.
const AnswerMax = C.SVCKIT_ANSWER_MAX

// Zone is what names answer in one state of a cluster. It never changes.
type Zone struct {
	handle[*C.svckit_zone]
}

// Zone takes the zone of what the cluster holds now. Costs what has changed.
func (c *Cluster) Zone() (*Zone, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_zone
	if err := check(C.svckit_cluster_zone(c.ptr, &ptr)); err != nil {
		return nil, err
	}
	return zoneOf(ptr), nil
}

func zoneOf(ptr *C.svckit_zone) *Zone {
	z := new(Zone)
	z.own(ptr, func(ptr *C.svckit_zone) { C.svckit_zone_free(ptr) })
	return z
}

// Answer answers a DNS message into a buffer, which the reply is a part of. Never fails for what a stranger sent.
// Allocates nothing. The buffer of n bytes cuts answers to n bytes; see [AnswerMax].
func (z *Zone) Answer(message []byte, peer Peer, buf []byte) (reply []byte, action Action, err error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	text, length := lendBytes(message)
	room, capacity := lendBytes(buf)
	who := peer.c()
	var answer C.svckit_reply
	if err := check(C.svckit_zone_answer(z.ptr, text, length, &who, room, capacity, &answer)); err != nil {
		return nil, Drop, err
	}
	return buf[:answer.len], Action(answer.action), nil
}

// Query is one of many messages.
type Query struct {
	// Message is the message as it came.
	Message []byte
	// Peer is who asks.
	Peer Peer
	// Buf is room for the reply.
	Buf []byte
	// Reply is the reply, a part of Buf; written by the call.
	Reply []byte
	// Action is what is to be done; written by the call.
	Action Action
}

// AnswerMany answers messages: the same as so many calls of Answer, with one lock.
func (z *Zone) AnswerMany(queries []Query) error {
	for i := range queries {
		q := &queries[i]
		var err error
		if q.Reply, q.Action, err = z.Answer(q.Message, q.Peer, q.Buf); err != nil {
			return err
		}
	}
	return nil
}

// Target is the name that has to be resolved elsewhere before the reply to a message is whole, without a final dot.
// The error is [NotFound] when there is none, because the message's action is not Upstream.
func (z *Zone) Target(message []byte) (string, error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	text, length := lendBytes(message)
	name, err := grown(256, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_zone_target(z.ptr, text, length, buf, capacity, n)
	})
	return textOf(name), err
}

// Complete answers a message whose reply was left at Upstream, with the message that somebody else sent about the
// target; nil when nobody could be asked. The error is [InvalidArgument] when nobody has to be asked for this message.
func (z *Zone) Complete(message []byte, peer Peer, upstream, buf []byte) (reply []byte, action Action, err error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	text, length := lendBytes(message)
	said, saidLen := lendBytes(upstream)
	room, capacity := lendBytes(buf)
	who := peer.c()
	var answer C.svckit_reply
	status := C.svckit_zone_complete(z.ptr, text, length, &who, said, saidLen, room, capacity, &answer)
	if err := check(status); err != nil {
		return nil, Drop, err
	}
	return buf[:answer.len], Action(answer.action), nil
}

func (p *Peer) c() C.svckit_peer {
	who := C.svckit_peer{entropy: C.uint64_t(rand.Uint64()), tcp: C.bool(p.TCP)}
	if p.Address.IsValid() {
		who.address = toC(p.Address)
	}
	return who
}

// textOf is what C wrote into a buffer, as a text.
func textOf(bytes []C.uint8_t) string {
	return string(unsafe.Slice((*byte)(unsafe.SliceData(bytes)), len(bytes)))
}
