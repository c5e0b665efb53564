// Package gateway is the one address that all endpoints of an engine answer
// at. It shares an endpoint's requests among its variants by weight and a
// variant's among its ready replicas by load, holds requests while a variant
// has no replica, captures samples, and counts.
//
// It decides nothing about replicas: whoever runs them puts them into a Pool
// and takes them out, and hands the gateway a Route for each endpoint. A new
// Route takes effect between two requests; a replica that is taken out gets no
// new request and is drained when the last one it had is answered.
//
// For rollouts it measures a variant apart (Meter) and sends copies of requests
// to versions whose answers nobody sees (Shadow). It keeps figures by minute for
// those who watch an endpoint, and takes in what turned out to be true about
// captured requests, at POST <endpoint>/ground-truth: that path is the gateway's
// own, also where a server of the user's has paths of its own.
//
// A request is sent again only where it cannot have been received: when the
// connection was refused. The gateway refuses hosts that are not this machine,
// so that no web page reaches a model by a name that it made point here.
package gateway
