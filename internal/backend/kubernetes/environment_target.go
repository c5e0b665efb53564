package kubernetes

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// checkEnvironment refuses settings that an API server would only refuse later, and
// one by one.
func checkEnvironment(c *mlops.Checker, spec mlops.EnvironmentSpec) {
	s := spec.Target.Settings
	at := func(setting string) mlops.Path { return mlops.At(name, setting) }
	for _, setting := range []string{targetNamespace, targetServiceAccount, targetStorageSecret} {
		checkObjectName(c, at(setting), s.String(setting))
	}
	for i, namespace := range s.List(targetIngress) {
		checkObjectName(c, at(targetIngress).With(i), namespace)
	}
	for i, text := range s.List(targetEgress) {
		if _, err := parseOpening(text); err != nil {
			c.Add(at(targetEgress).With(i), "Not an opening", "%s; write a range of addresses and a port, as in 10.0.0.0/8:443.", err)
		}
	}
	checkPodSecurity(c, at(targetPodSecurity), s.String(targetPodSecurity))
	checkQuota(c, at(targetQuota), s)
	found := len(c.Problems())
	checkStorage(c, s)
	checkWorkflows(c, s)
	checkServing(c, s)
	checkMonitoring(c, s)
	if len(c.Problems()) == found {
		checkCredentials(c, spec.Target)
	}
}

// checkObjectName refuses what cannot be the name of an object (RFC 1123).
func checkObjectName(c *mlops.Checker, at mlops.Path, text string) {
	if text == "" {
		return
	}
	if problems := validation.IsDNS1123Label(text); len(problems) > 0 {
		c.Add(at, "Not a name", "%q is no name of an object: %s.", text, strings.Join(problems, "; "))
	}
}

func checkPodSecurity(c *mlops.Checker, at mlops.Path, text string) {
	standards := []string{"privileged", "baseline", "restricted"}
	if text != "" && !slices.Contains(standards, text) {
		c.Add(at, "Unknown standard", "%q is no Pod Security Standard; use one of %s.%s", text, strings.Join(standards, ", "), mlops.DidYouMean(text, standards))
	}
}

// checkQuota refuses quantities that are none, and a quota of a namespace that is
// somebody else's.
func checkQuota(c *mlops.Checker, at mlops.Path, s mlops.Settings) {
	quota := s.Map(targetQuota)
	words := slices.Sorted(maps.Keys(quotaKeys()))
	for _, key := range slices.Sorted(maps.Keys(quota)) {
		at := at.With(mlops.Key(key))
		if _, ok := quotaKeys()[key]; !ok && !strings.ContainsAny(key, "./") && !slices.Contains(nativeCounts(), key) {
			c.Add(at, "Unknown quota", "%q is nothing that a quota bounds; use %s, or a key of ResourceQuota such as requests.amd.com/gpu.%s", key, strings.Join(words, ", "), mlops.DidYouMean(key, words))
		}
		q, err := resource.ParseQuantity(quota[key])
		if err != nil || q.Sign() < 0 {
			c.Add(at, "Not a quantity", "%q is no quantity, such as 20, 500m, 64Gi.", quota[key])
		}
	}
	if len(quota) > 0 && s.String(targetNamespace) != "" {
		c.AddIf(at, []mlops.Path{at, mlops.At(name, targetNamespace)}, "Quota of a namespace that was brought", "What a namespace that you bring may use is its owner's to say. Leave quota out, or leave namespace out to have one made.")
	}
}

// nativeCounts are ResourceQuota's keys of one word for numbers of objects.
func nativeCounts() []string {
	return []string{"configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"}
}

// schemes are the kinds of storage.
func schemes() []string { return []string{"s3", "gs", "https", "pvc"} }

// checkStorage refuses a place that none of the kinds of storage has, and settings of
// another kind.
func checkStorage(c *mlops.Checker, s mlops.Settings) {
	at := mlops.At(name, targetStorage)
	text := s.String(targetStorage)
	if text == "" {
		for _, setting := range []string{targetStorageSecret, targetStorageURL, targetStorageRegion} {
			if s.String(setting) != "" {
				c.AddIf(mlops.At(name, setting), []mlops.Path{at}, "No storage", "It says something of storage_uri, which is not given.")
			}
		}
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || !slices.Contains(schemes(), u.Scheme):
		c.Add(at, "Not a place for artifacts", "%q is none of s3://bucket/prefix, gs://bucket/prefix, https://account.blob.core.windows.net/container/prefix and pvc://claim/path.", text)
		return
	case u.User != nil || u.RawQuery != "":
		c.Add(at, "Credentials in a URI", "The URI would be in the state with what is before the @ or after the question mark. Give a secret of the namespace in storage_secret.")
	case u.Scheme == "https" && !strings.Contains(u.Host, ".blob."):
		c.Add(at, "Not a place for artifacts", "%q is no container of Azure Blob Storage; for S3-compatible storage, give s3://bucket and its address in storage_endpoint.", text)
	}
	checkStorageService(c, s, u.Scheme)
}

// checkCredentials refuses credentials of another kind of storage, and half of what a
// kind needs, and warns where there are none.
func checkCredentials(c *mlops.Checker, target mlops.Target) {
	s, given := target.Settings, target.Secrets.Map(targetStorageKeys)
	at, uri := mlops.At(name, targetStorageKeys), mlops.At(name, targetStorage)
	scheme := storage{URI: s.String(targetStorage)}.scheme()
	if len(given) == 0 {
		if scheme != "" && scheme != "pvc" && s.String(targetStorageSecret) == "" && s.String(targetServiceAccount) == "" && target.Mark == "" {
			c.Warn(uri, "No credentials", "Neither storage_credentials nor storage_secret is given, nor a service_account that may have access by itself: pods will reach the storage only if their nodes may.")
		}
		return
	}
	if s.String(targetStorageSecret) != "" {
		c.AddIf(at, []mlops.Path{at, mlops.At(name, targetStorageSecret)}, "Given twice", "Give storage_credentials, or the storage_secret that has them.")
	}
	words := map[string][]string{}
	for _, one := range credentials() {
		if one.scheme == scheme {
			words[one.word] = one.needs
		}
	}
	known := slices.Sorted(maps.Keys(words))
	for _, word := range slices.Sorted(maps.Keys(given)) {
		needs, ok := words[word]
		if !ok {
			c.AddIf(at, []mlops.Path{at, uri}, "Unknown credential", "%q is no credential of storage that begins with %s://; it has %s.%s", word, scheme, strings.Join(known, ", "), mlops.DidYouMean(word, known))
		}
		for _, other := range needs {
			if given[other] == "" {
				c.AddIf(at, []mlops.Path{at, uri}, "Half of the credentials", "%s needs %s too.", word, other)
			}
		}
	}
}

// checkStorageService refuses what only S3 has, of other kinds.
func checkStorageService(c *mlops.Checker, s mlops.Settings, scheme string) {
	for _, setting := range []string{targetStorageURL, targetStorageRegion} {
		if s.String(setting) != "" && scheme != "s3" {
			c.AddIf(mlops.At(name, setting), []mlops.Path{mlops.At(name, setting), mlops.At(name, targetStorage)}, "Only of S3", "It is for storage_uri that begins with s3://.")
		}
	}
	if e := s.String(targetStorageURL); e != "" && portOf(e) == 0 {
		c.Add(mlops.At(name, targetStorageURL), "Not a URL", "%q is no http or https URL, such as https://minio.example.com:9000.", e)
	}
	if s.String(targetStorageSecret) != "" && scheme == "pvc" {
		c.AddIf(mlops.At(name, targetStorageSecret), []mlops.Path{mlops.At(name, targetStorageSecret), mlops.At(name, targetStorage)}, "No credentials", "A volume needs none; leave storage_secret out.")
	}
}
