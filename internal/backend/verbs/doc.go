// Package verbs is what create, update, get and delete have in common for every
// noun of a backend whose objects carry a record of who made them, and from which
// spec: a cloud's, a cluster's.
//
// A backend says of a noun how its objects are found, made, changed and removed
// ([Noun]). What is the same for all stands here: a spec that cannot be is refused,
// one change of an object happens at a time, what others made is left alone, and
// what an interrupted creation made is adopted. So does what objects are to
// each other, by which an experiment finds its runs and a dataset that is read stays.
//
// It refuses to wait for a platform, to repeat a call, and to know any platform.
package verbs
