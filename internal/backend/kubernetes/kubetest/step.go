package kubetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Step is as much of a step of Argo's as its outcome depends on.
type Step struct {
	Container struct {
		Command []string `json:"command"`
	} `json:"container"`
	Outputs struct {
		Parameters []struct {
			Name string `json:"name"`
		} `json:"parameters"`
		Artifacts []struct {
			Name string `json:"name"`
			HTTP struct {
				URL string `json:"url"`
			} `json:"http"`
		} `json:"artifacts"`
	} `json:"outputs"`
}

// StepOf is the step that a pod of Argo's runs, which its containers have in a
// variable; false where the pod is not Argo's.
func StepOf(pod *unstructured.Unstructured) (step Step, ok bool) {
	for _, of := range []string{"initContainers", "containers"} {
		all, _, _ := unstructured.NestedSlice(pod.Object, "spec", of)
		for _, one := range all {
			container, _ := one.(map[string]any)
			env, _, _ := unstructured.NestedSlice(container, "env")
			for _, v := range env {
				v, _ := v.(map[string]any)
				text, _ := v["value"].(string)
				if v["name"] == "ARGO_TEMPLATE" && json.Unmarshal([]byte(text), &step) == nil {
					return step, true
				}
			}
		}
	}
	return step, false
}

// Deliver does what a step and Argo's executor would: every output has a content, the
// parameters as they are, and artifacts that go to a server as an archive of one file.
// What is to go to storage is not sent. A step whose outputs do not get there fails
// with the executor's exit code.
func (s Step) Deliver(content string) Outcome {
	for _, a := range s.Outputs.Artifacts {
		if a.HTTP.URL == "" {
			continue
		}
		if err := deliver(a.HTTP.URL, a.Name, content); err != nil {
			fmt.Printf("kubetest: the output %s of a step is not delivered: %v\n", a.Name, err)
			return Outcome{ExitCode: executorFailed}
		}
	}
	out := Outcome{Outputs: map[string]string{}}
	for _, p := range s.Outputs.Parameters {
		out.Outputs[p.Name] = content
	}
	return out
}

// executorFailed is the exit code of an executor that cannot save outputs.
const executorFailed = 64

func deliver(to, name, content string) error {
	archive, err := archiveOf(name, content)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, to, bytes.NewReader(archive))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", to, response.Status)
	}
	return nil
}

func archiveOf(name, content string) ([]byte, error) {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := files.Write([]byte(content)); err != nil {
		return nil, err
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
