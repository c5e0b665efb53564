package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// measureNoticed creates endpoints whose server becomes ready after a while,
// and compares when it was with when the creation returned.
func measureNoticed(ctx context.Context, s site) (out []result, err error) {
	l, err := openLab(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	delays := []time.Duration{time.Second, 3 * time.Second, 10 * time.Second}
	if s.short {
		delays = delays[:2]
	}
	for _, delay := range delays {
		begin := time.Now()
		e, err := l.serve(ctx, s, fmt.Sprintf("after-%.0f", delay.Seconds()), map[string]string{envDelay: delay.String()}, nil)
		if err != nil {
			return out, err
		}
		late, needed := time.Since(e.server.Ready), e.server.Ready.Sub(begin)
		budget := max(time.Second, needed/10)
		r := atMost(fmt.Sprintf("endpoint ready after %s, noticed after", delay), late.Seconds(), "s", budget.Seconds())
		out = append(out, r.because("%.1f %% of the %.1f s that it took", 100*late.Seconds()/needed.Seconds(), needed.Seconds()))
	}
	return out, nil
}
