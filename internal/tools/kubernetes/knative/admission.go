package main

import (
	"context"
	"encoding/json"
	"net/http"

	admissions "k8s.io/api/admission/v1"
	networking "knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/apis"
	autoscaling "knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	serving "knative.dev/serving/pkg/apis/serving/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// object is what Knative's own types say of themselves: their defaults, and whether they
// are valid.
type object interface {
	apis.Defaultable
	apis.Validatable
}

// kinds makes an empty object of each kind that Knative's webhook is asked for.
func kinds() map[string]func() object {
	return map[string]func() object{
		"Service":           func() object { return &serving.Service{} },
		"Configuration":     func() object { return &serving.Configuration{} },
		"Revision":          func() object { return &serving.Revision{} },
		"Route":             func() object { return &serving.Route{} },
		"Metric":            func() object { return &autoscaling.Metric{} },
		"PodAutoscaler":     func() object { return &autoscaling.PodAutoscaler{} },
		"Ingress":           func() object { return &networking.Ingress{} },
		"ServerlessService": func() object { return &networking.ServerlessService{} },
	}
}

// admit sets the defaults of an object and refuses what is not valid, by Knative's own
// types, with the cluster's settings and with what is known of a request.
func (p *program) admit(ctx context.Context, request admission.Request) admission.Response {
	empty := kinds()[request.Kind.Kind]
	if empty == nil {
		return admission.Allowed("")
	}
	now, before := empty(), empty()
	if err := json.Unmarshal(request.Object.Raw, now); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	ctx = apis.WithUserInfo(p.settings.ToContext(ctx), &request.UserInfo)
	if request.Operation == admissions.Update {
		if err := json.Unmarshal(request.OldObject.Raw, before); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		before.SetDefaults(ctx)
		ctx = apis.WithinUpdate(ctx, before)
	} else {
		ctx = apis.WithinCreate(ctx)
	}
	now.SetDefaults(ctx)
	if found := now.Validate(ctx).Filter(apis.ErrorLevel); found != nil {
		return admission.Denied("validation failed: " + found.Error())
	}
	whole, err := json.Marshal(now)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, whole)
}
