// Command dns answers for a cluster's names, like CoreDNS' kubernetes plugin: over UDP and TCP, from manifests in JSON.
//
//	dns -listen 127.0.0.1:5353 objects.json
//	dig @127.0.0.1 -p 5353 web.shop.svc.cluster.local
//
// The file holds objects as `kubectl get services,endpointslices,pods,namespaces -A -o json` prints them. What is not
// the cluster's is refused. SIGHUP reads the file again; questions that are being answered keep the zone they have.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	svckit "github.com/svckit/svckit/bindings/go"
)

// idle is how long a TCP client may be silent.
const idle = 10 * time.Second

// server answers from the zone that was loaded last.
type server struct {
	start   time.Time
	cluster *svckit.Cluster
	zone    atomic.Pointer[svckit.Zone]
	// buffers are for answers over UDP.
	buffers sync.Pool
}

func newServer() (*server, error) {
	cluster, findings, err := svckit.NewCluster(nil, svckit.RandomSeed())
	if err != nil {
		return nil, fmt.Errorf("%w\n%v", err, findings)
	}
	s := &server{start: time.Now(), cluster: cluster}
	s.buffers.New = func() any { return new([4096]byte) }
	return s, nil
}

// load makes the zone that of a file. What is wrong in it is reported, and the rest is served.
func (s *server) load(path string) error {
	objects, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	findings, err := s.cluster.Replace(objects, time.Since(s.start))
	for _, finding := range findings {
		log.Print(finding)
	}
	if err != nil && !errors.Is(err, svckit.Refused) {
		return err
	}
	zone, err := s.cluster.Zone()
	if err != nil {
		return err
	}
	// Whoever still answers from the old zone holds its lock; the collector takes it afterwards.
	s.zone.Store(zone)
	return nil
}

// serveUDP answers datagrams until the context ends.
func (s *server) serveUDP(ctx context.Context, socket *net.UDPConn) error {
	context.AfterFunc(ctx, func() { _ = socket.Close() })
	message := make([]byte, 65535)
	for {
		n, client, err := socket.ReadFromUDPAddrPort(message)
		if err != nil {
			return ctx.Err()
		}
		buffer := s.buffers.Get().(*[4096]byte)
		peer := svckit.Peer{Address: client.Addr().Unmap()}
		if reply, action, err := s.zone.Load().Answer(message[:n], peer, buffer[:]); err == nil && action != svckit.Drop {
			_, _ = socket.WriteToUDPAddrPort(reply, client)
		}
		s.buffers.Put(buffer)
	}
}

// serveTCP answers connections until the context ends.
func (s *server) serveTCP(ctx context.Context, listener net.Listener) error {
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	for {
		conn, err := listener.Accept()
		if err != nil {
			return ctx.Err()
		}
		go s.converse(ctx, conn)
	}
}

// converse answers the questions of one connection, each behind its length.
func (s *server) converse(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	var peer svckit.Peer
	if client, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		peer = svckit.Peer{Address: client.Addr().Unmap(), TCP: true}
	}
	message, buffer := make([]byte, 65535), make([]byte, 2+svckit.AnswerMax)
	for {
		_ = conn.SetDeadline(time.Now().Add(idle))
		if _, err := io.ReadFull(conn, message[:2]); err != nil {
			return
		}
		n := binary.BigEndian.Uint16(message)
		if _, err := io.ReadFull(conn, message[:n]); err != nil {
			return
		}
		reply, action, err := s.zone.Load().Answer(message[:n], peer, buffer[2:])
		if err != nil || action == svckit.Drop {
			return
		}
		binary.BigEndian.PutUint16(buffer, uint16(len(reply)))
		if _, err := conn.Write(buffer[:2+len(reply)]); err != nil {
			return
		}
	}
}

// run serves until the context ends. ready is told the address.
func run(ctx context.Context, path, listen string, reload <-chan os.Signal, ready func(netip.AddrPort)) error {
	s, err := newServer()
	if err != nil {
		return err
	}
	if err := s.load(path); err != nil {
		return err
	}
	socket, err := net.ListenPacket("udp", listen)
	if err != nil {
		return err
	}
	udp := socket.(*net.UDPConn)
	address := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		_ = udp.Close()
		return err
	}
	go func() {
		for range reload {
			if err := s.load(path); err != nil {
				log.Print(err)
			}
		}
	}()
	ready(address)
	done := make(chan error, 2)
	go func() { done <- s.serveUDP(ctx, udp) }()
	go func() { done <- s.serveTCP(ctx, listener) }()
	<-done
	<-done
	return nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:5353", "address and port")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: dns [-listen ADDRESS:PORT] OBJECTS")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	err := run(ctx, flag.Arg(0), *listen, reload, func(at netip.AddrPort) { fmt.Println("answering on", at) })
	if err != nil {
		log.Fatal(err)
	}
}
