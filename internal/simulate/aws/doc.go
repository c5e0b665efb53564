// Package aws simulates the parts of AWS that this project uses: an HTTP server
// that speaks the services' own protocols, keeps state as they do, and holds
// every request and every answer to AWS's published service models. It is never
// looser than those.
//
// It refuses to guess: an operation without a handler is answered as unknown.
//
// # SageMaker
//
// Jobs, models and endpoints run nobody's code: tests play it by Hooks, and by them
// take spot capacity away from training jobs. Time passes
// by looks, not by the clock: waits in deployment policies, retries of steps and
// timeouts of jobs do not pass. Steps of pipelines other than Processing, Training,
// Model, RegisterModel, Condition and Fail are accepted, and fail when they run.
// Schedules of monitoring start nothing by themselves: Monitored adds what they
// would have done, and judges what jobs of model quality, bias and explainability
// measured; nothing is captured, merged, explained or measured. Permissions of roles are not judged, only whom
// they trust. Inference components and endpoints' data capture are not there;
// asynchronous requests are answered at once, and no topic is told.
//
// # The services beside it
//
// Policies of roles, buckets and topics are read and held to their grammar, but not
// enforced. Of AWS's managed policies every name is believed; there are no others,
// nor keys of KMS: any name of a key is taken. Nothing acts by itself: schedules and
// rules start nothing, topics send nothing, scaling policies scale nothing, budgets
// count no costs, and lifecycles remove no objects. Alarms are judged when somebody
// looks at them; their math knows arithmetic, comparisons, IF, FILL, SUM, AVG, MIN,
// MAX, ABS, CEIL, FLOOR, PERIOD and METRICS, and their statistics the simple ones and
// percentiles. Composite alarms, bands of anomalies, event buses of one's own and
// layers of permissions around storage (ACLs, access points) are not there. Storage
// is reached by paths, not by names of hosts. Only SageMaker has quotas; their codes
// are made up where nobody published them, and only instances of endpoints are counted by
// a metric. The registry of images knows those that were put there, and takes manifests
// without layers; SageMaker believes in all images of its own region.
package aws
