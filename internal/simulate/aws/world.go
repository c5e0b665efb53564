package aws

import (
	"sync"
	"time"
)

// Config says how a World behaves.
type Config struct {
	Account string // twelve digits; "123456789012" if empty
	Region  string // of calls whose signature names none; "us-east-1" if empty
	// Looks is for how many looks (Describe, Get) an object stays in a passing
	// phase. Zero settles everything at its first look.
	Looks int
	// Lag is for how many calls searches and tag queries show what was before
	// (eventual consistency).
	Lag int
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// World is the state of one simulated account in all regions. Handlers run with
// mu held, one at a time.
type World struct {
	config Config
	mu     sync.Mutex
	// published returns a service's model; nil in a world without a server.
	published func(service string) (*Model, error)

	// Each service keeps its state in a field of its own type, made by the
	// service's file.
	sagemaker   *sagemakerState
	identity    *iamState
	storage     *s3State
	parameters  *ssmState
	topics      *snsState
	schedules   *schedulerState
	rules       *eventsState
	alarms      *cloudwatchState
	autoscaling *autoscalingState
	budgets     *budgetsState
	quotas      *quotasState
	registry    *ecrState
	tagIndex    *taggingState
}

// handlers lists the operations of every service, by the models' folder name and
// the operation's.
func (w *World) handlers() map[string]map[string]Handler {
	return map[string]map[string]Handler{
		"sagemaker":                w.sagemakerHandlers(),
		"runtime.sagemaker":        w.runtimeHandlers(),
		"iam":                      w.iamHandlers(),
		"sts":                      w.stsHandlers(),
		"ssm":                      w.ssmHandlers(),
		"sns":                      w.snsHandlers(),
		"scheduler":                w.schedulerHandlers(),
		"events":                   w.eventsHandlers(),
		"monitoring":               w.cloudwatchHandlers(),
		"application-autoscaling":  w.autoscalingHandlers(),
		"budgets":                  w.budgetsHandlers(),
		"service-quotas":           w.quotasHandlers(),
		"ecr":                      w.ecrHandlers(),
		"resourcegroupstaggingapi": w.taggingHandlers(),
	}
}

// SetLooks changes for how many looks passing phases last: those that begin, and
// those that are under way where they would last longer.
func (w *World) SetLooks(looks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.config.Looks = looks
	for _, o := range w.sm().objects {
		o.looks = min(o.looks, looks)
		if run, ok := o.detail.(*smRun); ok {
			for _, s := range run.steps {
				s.looks = min(s.looks, looks)
			}
		}
	}
}

// Names lists what the account has, for tests that prove that nothing is left:
// "service key".
func (w *World) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names()
}
