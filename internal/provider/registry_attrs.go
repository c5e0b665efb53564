package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func registryAttribute(g guide) schema.SingleNestedAttribute {
	return object("Where models and their versions are kept, where that is not the backend itself. While the environment has models, it can neither be given nor taken away; "+
		"the address can change to one where the same registry answers.", attributes{
		"mlflow": object(g.doc(mlops.FeatureEnvironmentMLflow, "An MLflow tracking server that hands artifacts on itself (`--serve-artifacts`, which is its default). "+
			"A model is the registered model `<environment>.<model>` there, so environments of different names share a server; one whose name another environment has there is refused. "+
			"What others registered is left alone."), attributes{
			"uri":      requiredText("Address of the server, `http` or `https`. Off this machine, `http` is warned of."),
			"username": optionalText("Name of the user whose password `token` is, for MLflow's own authentication (HTTP basic). Without it, `token` is sent as a bearer's."),
			"token": schema.StringAttribute{
				MarkdownDescription: "Says to the server who asks: the password of `username`, or a bearer's token. It is a secret: it is in no state and no plan, and the backend keeps it sealed. A change of it is noticed by `registry_mark`. An imported environment keeps the one that it has until a configuration says another, or leaves `registry` out.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
			},
		}),
	})
}

type registryModel struct {
	MLflow *mlflowModel `tfsdk:"mlflow"`
}

type mlflowModel struct {
	URI      *string `tfsdk:"uri"`
	Username *string `tfsdk:"username"`
	Token    *string `tfsdk:"token"`
}

// spec has the token from a configuration, and its mark from a state: neither has
// the other.
func (m *registryModel) spec(mark *string) *mlops.Registry {
	switch {
	case m == nil:
		return nil
	case m.MLflow == nil:
		return &mlops.Registry{}
	}
	return &mlops.Registry{MLflow: &mlops.MLflow{URI: valueOf(m.MLflow.URI), Username: valueOf(m.MLflow.Username), Token: valueOf(m.MLflow.Token), Mark: valueOf(mark)}}
}

// registryOf never has the token: what is written to state must not.
func registryOf(r *mlops.Registry) *registryModel {
	switch {
	case r == nil:
		return nil
	case r.MLflow == nil:
		return &registryModel{}
	}
	return &registryModel{MLflow: &mlflowModel{URI: nullable(r.MLflow.URI), Username: nullable(r.MLflow.Username)}}
}

func registryMarkOf(m *mlops.MLflow) *string {
	if m == nil {
		return nil
	}
	return nullable(m.Mark)
}

// foretellEnvironment tells the mark of the registry's token at plan: that is how a
// change of the token, which no state has, comes to be a change of the environment.
func foretellEnvironment(c *mlops.Checker, s mlops.EnvironmentSpec) map[string]string {
	out := map[string]string{problem: ""}
	if mark, ok := foretoldSecrets(c, s); ok {
		out["secrets_mark"] = mark
	}
	server := s.MLflowRegistry()
	switch {
	case !c.Known(mlops.At("registry")) || server != nil && s.ID == "":
	case server == nil:
		out["registry_mark"] = ""
	default:
		out["registry_mark"] = markOfToken(s.ID, *server)
	}
	return out
}

// markOfToken is the mark that a token has, or that a state knows of one.
func markOfToken(id mlops.ID, server mlops.MLflow) string {
	if server.Token == "" {
		return server.Mark
	}
	return markOf(id, server.Token)
}

// markToken takes the mark of the registry's token over from a state or a plan.
func markToken(s *mlops.EnvironmentSpec, held map[string]tftypes.Value) bool {
	server := s.MLflowRegistry()
	if server == nil {
		return false
	}
	server.Mark = textOf(held["registry_mark"])
	if server.Mark == "" { // of a token that the plan did not know
		server.Mark = markOfToken(s.ID, *server)
	}
	return server.Mark != "" && server.Token == ""
}

// keepsNoRegistry reports whether a change leaves an environment as it is, and no
// registry has to be asked for it.
func keepsNoRegistry(prior, planned mlops.EnvironmentSpec) bool {
	planned.ID = prior.ID // which a state says elsewhere
	return planned.Registry == nil && planned.Target.Secrets == nil && mlops.DigestOf(prior) == mlops.DigestOf(planned)
}
