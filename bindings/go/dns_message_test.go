package svckit

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// message is a DNS message, as far as vectors look at it.
type message struct {
	rcode                         string
	qr, aa, tc, rd, ra, cd        bool
	answer, authority, additional []record
}

// record is a resource record with its data as text.
type record struct {
	owner  string
	rtype  uint16
	ttl    uint32
	data   string
	serial uint32
}

var typeNames = map[string]uint16{
	"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35,
	"OPT": 41, "DS": 43, "DNSKEY": 48, "SVCB": 64, "HTTPS": 65, "IXFR": 251, "AXFR": 252, "ANY": 255, "CAA": 257,
}

func typeOf(name string) (uint16, bool) {
	if number, ok := strings.CutPrefix(name, "TYPE"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		return uint16(n), err == nil
	}
	n, ok := typeNames[name]
	return n, ok
}

func typeName(rtype uint16) string {
	for name, number := range typeNames {
		if number == rtype {
			return name
		}
	}
	return fmt.Sprintf("TYPE%d", rtype)
}

var rcodes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

// absolute is a name with its final dot.
func absolute(name string) string {
	if strings.HasSuffix(name, ".") {
		return name
	}
	return name + "."
}

// wireName is a name as it goes over the wire.
func wireName(name string) []byte {
	var wire []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label != "" {
			wire = append(append(wire, byte(len(label))), label...)
		}
	}
	return append(wire, 0)
}

// asks is a message that asks for a name, with RD set.
func asks(id uint16, name string, qtype uint16) []byte {
	wire := binary.BigEndian.AppendUint16(nil, id)
	wire = append(wire, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	wire = append(wire, wireName(name)...)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(wire, qtype), 1)
}

// reader walks through a message.
type reader struct {
	wire []byte
	at   int
	err  error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || r.at+n > len(r.wire) {
		r.err = errors.New("the message ends early")
		return make([]byte, n)
	}
	r.at += n
	return r.wire[r.at-n : r.at]
}

func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }

func (r *reader) name() string {
	var name strings.Builder
	after, jumps := -1, 0
	for r.err == nil {
		length := int(r.take(1)[0])
		switch {
		case length == 0:
			if after >= 0 {
				r.at = after
			}
			if name.Len() == 0 {
				return "."
			}
			return name.String()
		case length >= 0xc0:
			to := (length&0x3f)<<8 | int(r.take(1)[0])
			if after < 0 {
				after = r.at
			}
			if jumps++; jumps > 100 {
				r.err = errors.New("a loop of pointers")
			}
			r.at = to
		default:
			name.Write(r.take(length))
			name.WriteByte('.')
		}
	}
	return name.String()
}

func (r *reader) record() record {
	rec := record{owner: r.name(), rtype: r.u16()}
	r.u16()
	rec.ttl = r.u32()
	length := int(r.u16())
	end := r.at + length
	switch rec.rtype {
	case typeNames["A"], typeNames["AAAA"]:
		address, _ := netip.AddrFromSlice(r.take(length))
		rec.data = address.String()
	case typeNames["NS"], typeNames["CNAME"], typeNames["PTR"]:
		rec.data = r.name()
	case typeNames["MX"]:
		rec.data = fmt.Sprintf("%d ", r.u16())
		rec.data += r.name()
	case typeNames["SRV"]:
		rec.data = fmt.Sprintf("%d %d %d ", r.u16(), r.u16(), r.u16())
		rec.data += r.name()
	case typeNames["SOA"]:
		mname := r.name()
		r.name()
		rec.serial = r.u32()
		rec.data = fmt.Sprintf("%s (%d, %d, %d, %d)", mname, r.u32(), r.u32(), r.u32(), r.u32())
	case typeNames["TXT"]:
		for r.at < end && r.err == nil {
			rec.data += string(r.take(int(r.take(1)[0])))
		}
	default:
		rec.data = hex.EncodeToString(r.take(length))
	}
	if r.at != end && r.err == nil {
		r.err = fmt.Errorf("the data of %s %s ends at %d, not %d", rec.owner, typeName(rec.rtype), r.at, end)
	}
	return rec
}

// decode reads a message. OPT records are not among its records, but are part of its response code.
func decode(wire []byte) (message, error) {
	r := &reader{wire: wire}
	r.u16()
	flags := r.u16()
	counts := [4]uint16{r.u16(), r.u16(), r.u16(), r.u16()}
	m := message{
		qr: flags&0x8000 != 0, aa: flags&0x400 != 0, tc: flags&0x200 != 0, rd: flags&0x100 != 0, ra: flags&0x80 != 0,
		cd: flags&0x10 != 0,
	}
	for range counts[0] {
		r.name()
		r.u32()
	}
	code := int(flags & 15)
	for i, section := range []*[]record{&m.answer, &m.authority, &m.additional} {
		for range counts[i+1] {
			rec := r.record()
			if rec.rtype == typeNames["OPT"] {
				code |= int(rec.ttl>>24) << 4
				continue
			}
			*section = append(*section, rec)
		}
	}
	switch {
	case code < len(rcodes):
		m.rcode = rcodes[code]
	case code == 16:
		m.rcode = "BADVERS"
	default:
		m.rcode = fmt.Sprint(code)
	}
	if r.err == nil && r.at != len(wire) {
		r.err = fmt.Errorf("%d octets too many", len(wire)-r.at)
	}
	return m, r.err
}
