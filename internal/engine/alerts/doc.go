// Package alerts delivers what monitors have to tell, by webhook and by e-mail.
//
// An alert is a row of the store until it is delivered: written in the
// transaction that decides to tell, tried with growing pauses while the receiver
// is down, given up after a day, and never in the way of a check. It is delivered
// at least once: after a crash perhaps twice, with the same id. Webhook URLs and
// the mail server's are secrets; they are sealed in the store, and no log or
// message has more of them than the host.
package alerts
