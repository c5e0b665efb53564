package aws

import (
	"fmt"
	"math"
	"net/http"
	"slices"
)

func (w *World) runtimeHandlers() map[string]Handler {
	return map[string]Handler{"InvokeEndpoint": w.smInvoke, "InvokeEndpointAsync": w.smInvokeAsync}
}

// smInvoke sends a request to a variant of an endpoint. The words of its refusals
// are those that the runtime's users report.
func (w *World) smInvoke(c *Call) (Params, error) {
	o, serving, err := w.smAnswering(c)
	if err != nil {
		return nil, err
	}
	if structure(serving.config.in, "AsyncInferenceConfig") != nil {
		return nil, fault("ValidationError", "Endpoint %s of type ASYNC not supported.", o.name)
	}
	v, err := w.smTarget(o, serving, text(c.In, "TargetVariant"))
	if err != nil {
		return nil, err
	}
	body, _ := c.In["Body"].([]byte)
	request := Invocation{
		Endpoint: o.name, Config: serving.config.name, Variant: v.name, Model: v.model,
		ContentType: text(c.In, "ContentType"), Accept: text(c.In, "Accept"), Body: body,
	}
	status, answer := w.smAnswer(request)
	w.smCounted(c, request, v, status)
	w.smCopied(c, o, serving, request)
	if status >= http.StatusBadRequest {
		return nil, &Fault{
			Code: "ModelError", Status: http.StatusFailedDependency,
			Message: fmt.Sprintf("Received client error (%d) from %s with message %q. See the logs of the endpoint in account %s for more information.", status, v.name, answer, c.Account),
		}
	}
	return Params{"Body": answer, "ContentType": "application/json", "InvokedProductionVariant": v.name}, nil
}

// smAnswering finds the endpoint of a request, and what serves there.
func (w *World) smAnswering(c *Call) (*smObject, *smServing, error) {
	name := text(c.In, "EndpointName")
	o, err := w.find(c, smEndpoint, name)
	serving := &smServing{}
	if err == nil {
		serving, _ = o.detail.(*smServing)
	}
	if err != nil || len(serving.variants) == 0 {
		// Also an endpoint that is still created, or failed, serves nothing.
		return nil, nil, fault("ValidationError", "Endpoint %s of account %s not found.", name, c.Account)
	}
	return o, serving, nil
}

// smCopied sends a copy of a request to the shadow of the variant that answers. How
// many are copied is the ratio of the two weights, as AWS's examples of shadow variants
// have it; the answer is nobody's, and its figures are the shadow's.
func (w *World) smCopied(c *Call, o *smObject, serving *smServing, request Invocation) {
	production, shadow := 0.0, (*smVariant)(nil)
	for _, v := range serving.variants {
		if v.shadow {
			shadow = v
		} else {
			production += v.weight
		}
	}
	if shadow == nil || production == 0 {
		return
	}
	ratio := min(shadow.weight/production, 1)
	turn := float64(w.sm().copies[o.arn])
	w.sm().copies[o.arn]++
	if math.Floor((turn+1)*ratio) == math.Floor(turn*ratio) {
		return
	}
	request.Variant, request.Model = shadow.name, shadow.model
	status, _ := w.smAnswer(request)
	w.smCounted(c, request, shadow, status)
}

// smTarget chooses the variant that answers: the one that is asked for, or by the
// weights in turn, so that n requests are spread as the weights say.
func (w *World) smTarget(o *smObject, serving *smServing, asked string) (*smVariant, error) {
	production := slices.DeleteFunc(slices.Clone(serving.variants), func(v *smVariant) bool { return v.shadow })
	if asked != "" {
		for _, v := range production {
			if v.name == asked {
				return v, nil
			}
		}
		return nil, fault("ValidationError", "Could not find variant with name %s.", asked)
	}
	var total float64
	for _, v := range production {
		total += v.weight
	}
	if total == 0 {
		return nil, fault("ValidationError", "All variants of endpoint %s have a weight of 0.", o.name)
	}
	// The golden ratio's multiples fill the unit interval evenly.
	const golden = 0.6180339887498949
	turn := float64(w.sm().weights[o.arn]) * golden
	w.sm().weights[o.arn]++
	at := (turn - float64(int(turn))) * total
	for _, v := range production {
		if at < v.weight {
			return v, nil
		}
		at -= v.weight
	}
	return production[len(production)-1], nil
}

// smAnswer is what the model answers: the hook's, or one prediction.
func (w *World) smAnswer(i Invocation) (status int, body []byte) {
	if w.sm().hooks.Invoke != nil {
		return w.sm().hooks.Invoke(i)
	}
	return http.StatusOK, []byte(`{"predictions":[0]}`)
}
