// Package retrain is the policy of a monitor's on_violation: whether a violation
// may start the pipeline now. It is a few pure functions over mlops.Retraining,
// which is kept with the monitor; it reads no clock and starts nothing.
//
// One run at a time. From one start to the next there is the cooldown, however
// the first one ended, and a calendar month (UTC) has only so many starts: a loop
// that makes things worse stands still, and its status says why. A clock that is
// set back starts the cooldown again instead of letting starts through, and one
// that was wrong for a while does not shut the pipeline out until that time comes.
package retrain
