// Package schedule reads cron expressions with time zones, once for everybody:
// the provider checks with it at plan, the engine fires by it.
//
// The grammar is the one that every platform shares: five fields (minute, hour,
// day of month, month, day of week) with lists, ranges, steps and names, and
// the descriptors @hourly, @daily, @weekly, @monthly and @yearly. It only tells
// times; it runs nothing.
package schedule
