package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// starts is how often each worker is started.
const starts = 7

// measureStartup compares the worker with the smallest that there can be, and its calls
// with those of curl.
func measureStartup(ctx context.Context, b *bench) error {
	s, err := startSystem(ctx, b.options, b.programs)
	if err != nil {
		return err
	}
	defer s.stop()
	proxy, err := s.startProxy(ctx)
	if err != nil {
		return err
	}
	programs := map[string]func() (*process, error){
		ours: func() (*process, error) {
			m, err := s.launchWorker(proxy.address)
			if err != nil {
				return nil, err
			}
			return m.process, nil
		},
		smallest: func() (*process, error) {
			return startProcess(smallest, b.programs.empty, s.environment(proxy.address))
		},
	}
	took := map[string][]float64{}
	for range starts {
		for _, name := range []string{smallest, ours} {
			seconds, err := proxy.firstPoll(ctx, programs[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			took[name] = append(took[name], 1000*seconds)
		}
	}
	for _, name := range []string{smallest, ours} {
		b.report.addSpread(startup, name, "start to first poll", took[name], "ms")
	}
	b.report.addSpread(startup, ours, firstPoll, ratios(took[ours], took[smallest]), "×")
	if err := b.report.addSizes(b.programs); err != nil {
		return err
	}
	return s.measureCurl(ctx, b)
}

func (r *report) addSizes(p programs) error {
	sizes := map[string]float64{}
	for name, file := range map[string]string{ours: p.worker, smallest: p.empty} {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		sizes[name] = float64(info.Size())
	}
	r.add(startup, smallest, "binary", sizes[smallest]/1e6, "MB")
	r.add(startup, ours, "binary", sizes[ours]/1e6, "MB")
	r.add(startup, ours, binarySize, sizes[ours]/sizes[smallest], "×")
	return nil
}

// proxy passes calls to Temporal on and notes the first poll for workflows.
type proxy struct {
	address string
	mu      sync.Mutex
	polled  chan time.Time
}

func (s *system) startProxy(ctx context.Context) (*proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{address: listener.Addr().String(), polled: make(chan time.Time, 1)}
	service, err := client.NewWorkflowServiceProxyServer(client.WorkflowServiceProxyOptions{Client: s.temporal.WorkflowService()})
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(p.note))
	workflowservice.RegisterWorkflowServiceServer(server, service)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	s.stops = append(s.stops, server.Stop)
	return p, nil
}

func (p *proxy) note(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if _, isPoll := request.(*workflowservice.PollWorkflowTaskQueueRequest); isPoll {
		p.mu.Lock()
		select {
		case p.polled <- time.Now():
		default: // not the first
		}
		p.mu.Unlock()
	}
	return handle(ctx, request)
}

// firstPoll starts a worker and returns how many seconds later it polls.
func (p *proxy) firstPoll(ctx context.Context, start func() (*process, error)) (float64, error) {
	p.mu.Lock()
	select {
	case <-p.polled:
	default:
	}
	p.mu.Unlock()
	program, err := start()
	if err != nil {
		return 0, err
	}
	defer program.kill()
	select {
	case at := <-p.polled:
		return at.Sub(program.began).Seconds(), nil
	case <-program.ended:
		return 0, fmt.Errorf("it ended; it printed:\n%s", program.output.String())
	case <-time.After(readyLimit):
		return 0, fmt.Errorf("it does not poll; it printed:\n%s", program.output.String())
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// measureCurl counts the requests of a read with curl.
func (s *system) measureCurl(ctx context.Context, b *bench) error {
	program, err := exec.LookPath("curl")
	if err != nil {
		b.report.log("curl is missing: its requests are not counted")
		return nil
	}
	const times = 5
	before := s.manager.State().Totals.Requests
	for range times {
		read := exec.CommandContext(ctx, program, "--digest", "--silent", "--noproxy", "*", "--config", "-", //nolint:gosec // curl
			s.manager.url+opsmanagertest.PublicPrefix+"/orgs/"+newOrg()+"/liveExport/migrationLink/status")
		read.Stdin = strings.NewReader(fmt.Sprintf("user = \"%s:%s\"\n", opsmanagertest.DefaultPublicKey, opsmanagertest.DefaultPrivateKey))
		if output, err := read.CombinedOutput(); err != nil {
			return fmt.Errorf("curl: %w\n%s", err, output)
		}
	}
	b.report.add(startup, "curl --digest", httpRequests, float64(s.manager.State().Totals.Requests-before)/times, "")
	return nil
}
