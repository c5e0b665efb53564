package aws

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of parameters (Systems Manager user guide, "Managing parameter tiers",
// and API reference, PutParameter).
const (
	mostStandardBytes = 4 << 10
	mostAdvancedBytes = 8 << 10
	mostSSMLevels     = 15
	mostSSMName       = 1011 // of the ARN's characters that the name may use
	ssmPage           = 10
	ssmAdvanced       = "Advanced"
	ssmStandard       = "Standard"
)

// ssmState is what the service keeps: parameters by region and name.
type ssmState struct{ parameters map[string]*ssmParameter }

type ssmParameter struct {
	name, arn, region string
	kind, tier        string
	dataType          string
	history           []ssmVersion // oldest first; the last is in force
	tags              tagSet
}

type ssmVersion struct {
	value string
	at    time.Time
}

// ssm returns the service's state, made at its first use.
func (w *World) ssm() *ssmState {
	if w.parameters == nil {
		w.parameters = &ssmState{parameters: map[string]*ssmParameter{}}
	}
	return w.parameters
}

func (w *World) ssmHandlers() map[string]Handler {
	return map[string]Handler{
		"PutParameter": w.ssmPut, "GetParameter": w.ssmGet, "GetParameters": w.ssmGetSome, "GetParametersByPath": w.ssmGetByPath,
		"DeleteParameter": w.ssmDelete, "DeleteParameters": w.ssmDeleteSome,
		"AddTagsToResource": w.onTaggedParameter(ssmAddTags), "RemoveTagsFromResource": w.onTaggedParameter(ssmRemoveTags),
		"ListTagsForResource": w.onTaggedParameter(ssmListTags),
	}
}

// ssmKey is where a parameter is kept. Requests may give the ARN for the name.
func ssmKey(c *Call, name string) string {
	if strings.HasPrefix(name, "arn:") {
		name = strings.TrimPrefix(arnPart(name, 5), "parameter")
		if strings.Count(name, "/") == 1 {
			name = strings.TrimPrefix(name, "/")
		}
	}
	return c.Region + " " + name
}

var (
	ssmName   = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)
	ssmNested = regexp.MustCompile(`(?s)\{\{.*\}\}`)
)

// ssmNameFault refuses names that the API reference excludes.
func ssmNameFault(c *Call, name string) error {
	first := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm"):
		return fault("ValidationException", "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case !ssmName.MatchString(name):
		return fault("ValidationException", "Parameter name must only include the following symbols and letters a-zA-Z0-9_.-")
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return fault("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return fault("ValidationException", "Parameter name must not end with a slash or have empty levels.")
	case strings.Count(strings.TrimPrefix(name, "/"), "/") >= mostSSMLevels:
		return fault("HierarchyLevelLimitExceededException", "Hierarchy level limit exceeded. A hierarchy can have a maximum of %d levels.", mostSSMLevels)
	case len(ssmARN(c, name)) > mostSSMName:
		return fault("ValidationException", "Parameter name is too long: with its ARN it must have at most %d characters.", mostSSMName)
	}
	return nil
}

func ssmARN(c *Call, name string) string {
	return c.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

func (w *World) ssmPut(c *Call) (Params, error) {
	name := text(c.In, "Name")
	if err := ssmNameFault(c, name); err != nil {
		return nil, err
	}
	old := w.ssm().parameters[ssmKey(c, name)]
	fresh, err := ssmWanted(c, old)
	if err != nil {
		return nil, err
	}
	fresh.history = append(fresh.history, ssmVersion{text(c.In, "Value"), c.Time})
	w.ssm().parameters[ssmKey(c, name)] = fresh
	return Params{"Version": int64(len(fresh.history)), "Tier": fresh.tier}, nil
}

// ssmWanted is the parameter as it shall be, still without its new value.
func ssmWanted(c *Call, old *ssmParameter) (*ssmParameter, error) {
	name := text(c.In, "Name")
	if err := ssmPutAllowed(c, old); err != nil {
		return nil, err
	}
	p := &ssmParameter{name: name, arn: ssmARN(c, name), region: c.Region, tags: tagsIn(c.In, "Tags")}
	if old != nil {
		*p = *old
	}
	p.kind = orElse(c.In, "Type", p.kind)
	p.dataType = orElse(c.In, "DataType", "text")
	tier, err := ssmTier(c.In, p.tier)
	p.tier = tier
	return p, err
}

// ssmPutAllowed holds a request to the state. The words are the service's, as
// users report them.
func ssmPutAllowed(c *Call, old *ssmParameter) error {
	value := text(c.In, "Value")
	switch {
	case old != nil && !flag(c.In, "Overwrite"):
		return fault("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case flag(c.In, "Overwrite") && len(list(c.In, "Tags")) > 0:
		return fault("ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case old == nil && text(c.In, "Type") == "":
		return fault("ValidationException", "A parameter type is required when you create a parameter.")
	case old != nil && (orElse(c.In, "Type", old.kind) == "SecureString") != (old.kind == "SecureString"):
		return fault("HierarchyTypeMismatchException", "Parameter Store doesn't support changing a parameter type in a hierarchy.")
	case value == "":
		return fault("ValidationException", "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case ssmNested.MatchString(value):
		return fault("ValidationException", "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
	}
	return ssmTagFault(c.In, nil)
}

func ssmTagFault(in Params, old tagSet) error {
	return tagging{tags: "Tags", invalid: "ValidationException", many: "TooManyTagsError"}.check(in, old)
}

// ssmTier resolves the tier of a request. Intelligent-Tiering chooses Advanced
// where Standard does not do, and nothing ever goes back (user guide, "Managing
// parameter tiers").
func ssmTier(in Params, old string) (string, error) {
	size, asked := len(text(in, "Value")), orElse(in, "Tier", old)
	if asked == "" {
		asked = ssmStandard
	}
	if asked == "Intelligent-Tiering" {
		asked = ssmStandard
		if size > mostStandardBytes || old == ssmAdvanced || text(in, "Policies") != "" {
			asked = ssmAdvanced
		}
	}
	switch {
	case asked == ssmStandard && old == ssmAdvanced:
		return "", fault("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case asked == ssmStandard && size > mostStandardBytes:
		return "", fault("ValidationException", "Standard tier parameters support a maximum parameter value of %d characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", mostStandardBytes)
	case size > mostAdvancedBytes:
		return "", fault("ValidationException", "Advanced tier parameters support a maximum parameter value of %d characters.", mostAdvancedBytes)
	}
	return asked, nil
}

// view is a parameter at a version, counted from 1.
func (p *ssmParameter) view(version int, decrypt bool) Params {
	v := p.history[version-1]
	value := v.value
	if p.kind == "SecureString" && !decrypt {
		value = uuidOf("encrypted", p.arn, strconv.Itoa(version))
	}
	return Params{
		"Name": p.name, "Type": p.kind, "Value": value, "Version": int64(version),
		"LastModifiedDate": v.at, "ARN": p.arn, "DataType": p.dataType,
	}
}

// ssmFind finds a parameter by its name, which may end in a version.
func (w *World) ssmFind(c *Call, name string) (Params, error) {
	base, selector := name, ""
	if i := strings.LastIndex(name, ":"); i >= 0 && !strings.Contains(name[i:], "/") && !strings.HasSuffix(name[:i], ":parameter") {
		base, selector = name[:i], name[i:]
	}
	p := w.ssm().parameters[ssmKey(c, base)]
	if p == nil {
		return nil, fault("ParameterNotFound", "Parameter %s not found.", base)
	}
	version := len(p.history)
	if selector != "" {
		n, err := strconv.Atoi(selector[1:])
		if err != nil || n < 1 || n > version {
			return nil, fault("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", selector[1:], base)
		}
		version = n
	}
	out := p.view(version, flag(c.In, "WithDecryption"))
	if selector != "" {
		out["Selector"] = selector
	}
	return out, nil
}

func (w *World) ssmGet(c *Call) (Params, error) {
	p, err := w.ssmFind(c, text(c.In, "Name"))
	if err != nil {
		return nil, err
	}
	return Params{"Parameter": p}, nil
}

func (w *World) ssmGetSome(c *Call) (Params, error) {
	found, missing := []any{}, []any{}
	for _, name := range texts(c.In, "Names") {
		p, err := w.ssmFind(c, name)
		if err != nil {
			missing = append(missing, name)
			continue
		}
		found = append(found, p)
	}
	return Params{"Parameters": found, "InvalidParameters": missing}, nil
}

func (w *World) ssmGetByPath(c *Call) (Params, error) {
	path := text(c.In, "Path")
	if !strings.HasPrefix(path, "/") {
		return nil, fault("ValidationException", "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".")
	}
	path = strings.TrimSuffix(path, "/") + "/"
	var all []*ssmParameter
	for _, p := range sorted(w.ssm().parameters) {
		rest, under := strings.CutPrefix(p.name, path)
		if p.region == c.Region && under && (flag(c.In, "Recursive") || !strings.Contains(rest, "/")) {
			all = append(all, p)
		}
	}
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "MaxResults", ssmPage)))
	if !ok {
		return nil, fault("InvalidNextToken", "The specified token isn't valid.")
	}
	shown := []any{}
	for _, p := range page {
		shown = append(shown, p.view(len(p.history), flag(c.In, "WithDecryption")))
	}
	out := Params{"Parameters": shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

func (w *World) ssmDelete(c *Call) (Params, error) {
	key := ssmKey(c, text(c.In, "Name"))
	if w.ssm().parameters[key] == nil {
		return nil, fault("ParameterNotFound", "Parameter %s not found.", text(c.In, "Name"))
	}
	delete(w.ssm().parameters, key)
	return Params{}, nil
}

func (w *World) ssmDeleteSome(c *Call) (Params, error) {
	gone, missing := []any{}, []any{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(texts(c.In, "Names")))) {
		if w.ssm().parameters[ssmKey(c, name)] == nil {
			missing = append(missing, name)
			continue
		}
		delete(w.ssm().parameters, ssmKey(c, name))
		gone = append(gone, name)
	}
	return Params{"DeletedParameters": gone, "InvalidParameters": missing}, nil
}

// onTaggedParameter finds the parameter whose tags a request is about. Other
// types of resources have none here.
func (w *World) onTaggedParameter(do func(*Call, *ssmParameter) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		if kind := text(c.In, "ResourceType"); kind != "Parameter" {
			return nil, fault("InvalidResourceType", "The resource type %s is not valid.", kind)
		}
		p := w.ssm().parameters[ssmKey(c, text(c.In, "ResourceId"))]
		if p == nil {
			return nil, fault("InvalidResourceId", "The resource ID %s is not valid. Verify that you entered the correct ID and try again.", text(c.In, "ResourceId"))
		}
		return do(c, p)
	}
}

func ssmAddTags(c *Call, p *ssmParameter) (Params, error) {
	if err := ssmTagFault(c.In, p.tags); err != nil {
		return nil, err
	}
	maps.Copy(p.tags, tagsIn(c.In, "Tags"))
	return Params{}, nil
}

func ssmRemoveTags(c *Call, p *ssmParameter) (Params, error) {
	for _, key := range texts(c.In, "TagKeys") {
		delete(p.tags, key)
	}
	return Params{}, nil
}

func ssmListTags(_ *Call, p *ssmParameter) (Params, error) {
	return Params{"TagList": p.tags.list()}, nil
}
