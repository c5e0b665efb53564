// Package driftjob is the command "drift": it makes one check of a monitor from files
// alone, as a job does that a cluster starts by its schedule. What it computes is
// internal/checks', which the embedded engine computes too.
//
//	terraform-provider-mlops drift --monitor FILE --id ID --captures DIR \
//	  [--baseline PATH] [--truth PATH] [--now TIME] \
//	  [--report FILE] [--verdict FILE] [--violated FILE] [--push URL]
//
//	--monitor   mlops.MonitorSpec as JSON
//	--id        the monitor's ID; default the one that the spec gives it
//	--baseline  the file of the spec's baseline, a folder with this one file, or a .tgz
//	            of either; needed where the spec has a baseline, whose URI, dataset
//	            and run are not looked at
//	--captures  a folder of what KServe's logger wrote; see below
//	--truth     file or folder of JSON lines {"request_id": …, "label": …}
//	--now       where the window ends, RFC 3339; default the time of the call
//	--report    receives the mlops.MonitorReport as JSON, of at most 64 KiB
//	--verdict   receives one word: ok, violated, no_data or broken
//	--violated  receives the violated checks that start on_violation, with commas
//	            between them; empty if there are none
//	--push      base URL of a Prometheus Pushgateway; it may hold user and password
//
// The status is 0 when the check was made, whatever it found; 1 when it could not be,
// with the reason on standard error and in a report that is broken; 2 for wrong flags.
// All three files are written in either of the first two cases, unless it is ended
// from outside. A Pushgateway that
// refuses is 1 too, and the report says what was found nonetheless.
//
// # Captures
//
// KServe 0.17 (pkg/logger of its module: store.go, marshaller_json.go, types.go) writes
// requests and answers apart, each as a JSON object of which id, reqType and bytes, in
// base64, count here; or, where the cluster's inferenceservice-config sets a batch
// size, an array of them. Its objects are
//
//	<path of the URL>/<namespace>/<InferenceService>/<component>/<storage.path>/<id>-request.json
//	<path of the URL>/<namespace>/<InferenceService>/<component>/<storage.path>/<id>-response.json
//
// named by the first one in them. DIR is any folder above them: all below it are read,
// but for what is under captures/<name> of another endpoint. Answers other than 200
// are not logged at all, so a request without an answer is no row.
//
// A captured request has no time, neither in it nor in its name. Its time is the
// modification time of the file that has it. Whoever fetches the files keeps the
// objects' times: rclone, aws s3 sync and mounted buckets do. The artifacts of Argo do
// not, and fetch all that was ever captured: their files seem to be of the moment. Those
// that are newer than the window's end do not count, and where they are more than what
// does, the report says so. To fetch the window alone, here of a day, saves most of the
// work:
//
//	rclone copy --use-server-modtime --max-age 25h :s3:bucket/prefix/namespace /captures
//
// The ID that the truth is joined by is the request's Ce-Id header, which KServe makes
// up where a client sends none and tells nobody.
//
// # The report
//
// It is the one that the engine keeps, but for health, which is Prometheus's on a
// cluster, and explainability, which has no computation here. It fits an output
// parameter of Argo: while it is larger than 64 KiB, each check keeps half as many of
// its features, those that are violated first, and then by how far they are beyond
// their threshold; how many are left out is in the check's reason. State, rows and
// what is pushed are of all features.
//
// # Figures
//
// Pushed to <URL>/metrics/job/mlops_monitor/environment/<environment>/monitor/<monitor>,
// in place of what was there:
//
//	mlops_monitor_value{check, feature, statistic}
//	mlops_monitor_threshold{check, feature, statistic}
//	mlops_monitor_violated{check}               1 or 0; absent where it was not judged
//	mlops_monitor_rows                          of the last check that was made
//	mlops_monitor_last_check_timestamp_seconds  of the last check that was made
//
// A check that could not be made pushes nothing, so that the time grows old.
//
// An archive is unpacked beside the temporary files, so that it needs a $TMPDIR that can
// be written. It keeps no state: when a violation began, what was told and what was started are
// known to whoever reads the figures.
package driftjob
