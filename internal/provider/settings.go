package provider

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// providerSetting is a backend's setting as an attribute of the provider block.
// It is always optional there: an environment variable may give it.
func providerSetting(s mlops.Setting) providerschema.Attribute {
	doc := s.Doc
	if s.Env != "" {
		doc += fmt.Sprintf(" May also be set by the environment variable `%s`.", s.Env)
	}
	switch s.Type {
	case mlops.IntSetting:
		return providerschema.Int64Attribute{MarkdownDescription: doc, Optional: true, Sensitive: s.Sensitive}
	case mlops.BoolSetting:
		return providerschema.BoolAttribute{MarkdownDescription: doc, Optional: true, Sensitive: s.Sensitive}
	case mlops.ListSetting:
		return providerschema.ListAttribute{MarkdownDescription: doc, Optional: true, Sensitive: s.Sensitive, ElementType: types.StringType}
	case mlops.MapSetting:
		return providerschema.MapAttribute{MarkdownDescription: doc, Optional: true, Sensitive: s.Sensitive, ElementType: types.StringType, Validators: noNullEntries()}
	default:
		return providerschema.StringAttribute{MarkdownDescription: doc, Optional: true, Sensitive: s.Sensitive}
	}
}

// targetSetting is a backend's setting as an attribute of an environment.
func targetSetting(s mlops.Setting) schema.Attribute {
	optional := !s.Required
	switch s.Type {
	case mlops.IntSetting:
		return schema.Int64Attribute{MarkdownDescription: s.Doc, Optional: optional, Required: s.Required, Sensitive: s.Sensitive}
	case mlops.BoolSetting:
		return schema.BoolAttribute{MarkdownDescription: s.Doc, Optional: optional, Required: s.Required, Sensitive: s.Sensitive}
	case mlops.ListSetting:
		return schema.ListAttribute{MarkdownDescription: s.Doc, Optional: optional, Required: s.Required, Sensitive: s.Sensitive, ElementType: types.StringType, Validators: noNullElements()}
	case mlops.MapSetting:
		return schema.MapAttribute{MarkdownDescription: s.Doc, Optional: optional, Required: s.Required, Sensitive: s.Sensitive || s.WriteOnly, WriteOnly: s.WriteOnly, ElementType: types.StringType, Validators: noNullEntries()}
	default:
		return schema.StringAttribute{MarkdownDescription: s.Doc, Optional: optional, Required: s.Required, Sensitive: s.Sensitive || s.WriteOnly, WriteOnly: s.WriteOnly, Validators: notEmpty()}
	}
}

// settingsOf reads a backend's object. What is null or unknown is absent.
func settingsOf(v tftypes.Value) mlops.Settings {
	out := mlops.Settings{}
	members, err := membersOf(v)
	if err != nil {
		return out
	}
	for name, m := range members {
		if value := plain(m); value != nil {
			out[name] = value
		}
	}
	return out
}

// plain is a value of one of the setting types in Go, or nil.
func plain(v tftypes.Value) any {
	if v.IsNull() || !v.IsFullyKnown() {
		return nil
	}
	var s string
	var b bool
	var n big.Float
	var l []tftypes.Value
	var m map[string]tftypes.Value
	switch {
	case v.As(&s) == nil:
		return s
	case v.As(&b) == nil:
		return b
	case v.As(&n) == nil:
		i, _ := n.Int64()
		return i
	case v.As(&l) == nil:
		out := make([]string, len(l))
		for i, e := range l {
			out[i], _ = plain(e).(string)
		}
		return out
	case v.As(&m) == nil:
		out := make(map[string]string, len(m))
		for key, e := range m {
			out[key], _ = plain(e).(string)
		}
		return out
	}
	return nil
}

// settingsValue is a backend's object from its settings; nil settings are null.
func settingsValue(t tftypes.Type, s mlops.Settings) tftypes.Value {
	object, ok := t.(tftypes.Object)
	if !ok || s == nil {
		return tftypes.NewValue(t, nil)
	}
	members := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, member := range object.AttributeTypes {
		members[name] = settingValue(member, s, name)
	}
	return tftypes.NewValue(t, members)
}

func settingValue(t tftypes.Type, s mlops.Settings, name string) tftypes.Value {
	if s[name] == nil {
		return tftypes.NewValue(t, nil)
	}
	switch {
	case t.Is(tftypes.Number):
		return tftypes.NewValue(t, s.Int(name))
	case t.Is(tftypes.Bool):
		return tftypes.NewValue(t, s.Bool(name))
	case t.Is(tftypes.String):
		return tftypes.NewValue(t, s.String(name))
	}
	if t.Is(tftypes.Map{}) {
		entries := map[string]tftypes.Value{}
		for key, e := range s.Map(name) {
			entries[key] = tftypes.NewValue(tftypes.String, e)
		}
		return tftypes.NewValue(t, entries)
	}
	list := []tftypes.Value{}
	for _, e := range s.List(name) {
		list = append(list, tftypes.NewValue(tftypes.String, e))
	}
	return tftypes.NewValue(t, list)
}

// withEnvironment adds what environment variables say to what the provider
// block does not. The error names the variable that cannot be read.
func withEnvironment(declared []mlops.Setting, given mlops.Settings, lookup func(string) (string, bool)) error {
	for _, s := range declared {
		text, ok := "", false
		if s.Env != "" {
			text, ok = lookup(s.Env)
		}
		if _, set := given[s.Name]; set || !ok || text == "" {
			continue
		}
		value, err := parseSetting(s.Type, text)
		if err != nil {
			return fmt.Errorf("the environment variable %s holds %q, which is not %w", s.Env, text, err)
		}
		given[s.Name] = value
	}
	return nil
}

func parseSetting(t mlops.SettingType, text string) (any, error) {
	switch t {
	case mlops.IntSetting:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a whole number: %w", err)
		}
		return v, nil
	case mlops.BoolSetting:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("true or false: %w", err)
		}
		return v, nil
	case mlops.ListSetting:
		return strings.Split(text, ","), nil
	case mlops.MapSetting:
		return parseMap(text)
	default:
		return text, nil
	}
}

// parseMap reads "name=value,other=value".
func parseMap(text string) (map[string]string, error) {
	out := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("a list such as name=value,other=value: %q is no pair", pair)
		}
		out[name] = value
	}
	return out, nil
}
