package serving

import (
	"context"
	"time"
)

// pace is how fast things are done. Tests change it.
type pace struct {
	probeFirst, probeSlowest time.Duration // between looks at a server that starts
	probeTimeout             time.Duration // of one look
	health                   time.Duration // between looks at a server that is ready
	restartFirst             time.Duration // before a crashed server is started again; doubled each time
	restartSlowest           time.Duration
	settled                  time.Duration // after which a ready server's earlier crashes are forgotten
	grace                    time.Duration // from asking a server to end to killing it
	retry                    time.Duration // after which what the engine itself could not do is tried again
	scale                    time.Duration // between looks at the load
	scaleUp                  time.Duration // over which load is averaged
	scaleDown                time.Duration // for which fewer replicas must do before there are fewer
	figures                  time.Duration // between looks at the figures of a step
	clock                    time.Duration // between looks at the clock, for schedules and what is kept warm
	save                     time.Duration // between writing figures to disk
}

func ordinaryPace() pace {
	return pace{
		probeFirst: 20 * time.Millisecond, probeSlowest: 250 * time.Millisecond, probeTimeout: 5 * time.Second,
		health:       10 * time.Second,
		restartFirst: 200 * time.Millisecond, restartSlowest: 30 * time.Second,
		settled: time.Minute, grace: 10 * time.Second, retry: 5 * time.Second,
		scale: 500 * time.Millisecond, scaleUp: 2 * time.Second, scaleDown: time.Minute,
		figures: 250 * time.Millisecond, clock: 15 * time.Second, save: 5 * time.Minute,
	}
}

// fastCrashes is how often in a row a server may crash before a change that
// needs it is given up.
const fastCrashes = 3

// unhealthyLooks is how many looks in a row at a ready server may fail before
// it is started again.
const unhealthyLooks = 3

// backOff is how long to wait before the nth start in a row, from 1.
func (p pace) backOff(n int) time.Duration {
	d := p.restartFirst
	for ; n > 1 && d < p.restartSlowest; n-- {
		d *= 2
	}
	return min(d, p.restartSlowest)
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
