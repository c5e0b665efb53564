package main

import "context"

// role is a part that this program plays when a measure starts it again.
type role func(ctx context.Context, args []string) error

// The roles, as the first argument names them.
const (
	roleServer  = "serve-model"
	roleInert   = "serve-nothing"
	roleWatch   = "watch"
	roleDrift   = "check-drift"
	roleAccount = "keep-account"
)

// roleOf returns the role that the arguments ask for, or nil, and the role's
// own arguments.
func roleOf(args []string) (role, []string) {
	if len(args) < 2 {
		return nil, nil
	}
	r := map[string]role{roleServer: serveModel, roleInert: serveNothing, roleWatch: watch, roleDrift: checkDrift, roleAccount: keepAccount}[args[1]]
	return r, args[2:]
}
