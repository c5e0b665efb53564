package provider

import (
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// claims knows which IDs the resources of one configuration plan to make and
// which they have. Creating adopts what the same owner made before, so a
// second resource with an ID would take the object over unnoticed, and one that
// gives an ID up would destroy what another just adopted.
type claims struct {
	mu   sync.Mutex
	made map[mlops.ID]bool // planned to be created
	had  map[mlops.ID]bool // in the state of a resource
}

func newClaims() *claims {
	return &claims{made: map[mlops.ID]bool{}, had: map[mlops.ID]bool{}}
}

// create claims an ID for an object to be made. It returns false if another
// resource has it, gives it up or makes it too.
func (c *claims) create(id mlops.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := !c.made[id] && !c.had[id]
	c.made[id] = true
	return free
}

// hold claims an ID for an object that a resource has in its state. It returns
// false if another resource plans to make it.
func (c *claims) hold(id mlops.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.had[id] = true
	return !c.made[id]
}

// planned reports whether a resource plans to make the object.
func (c *claims) planned(id mlops.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[id]
}
