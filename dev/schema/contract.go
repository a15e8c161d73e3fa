package schema

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

// contract holds what reflection cannot see: the comments and the constants of the
// sources.
type contract struct {
	scope    *types.Scope
	comments map[string]string            // by "Type", "Type.Field" or "Constant"
	groups   map[string]string            // of groups of constants, by the first one
	jsonName map[string]map[string]string // by type and field
	fieldOf  map[string]map[string]string // the type of a field, by type and field
	enums    map[string][]*types.Const    // by type, in the order of the sources
}

func readContract(sources string) (*contract, error) {
	found, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: sources}, ".")
	if err == nil && len(found[0].Errors) > 0 {
		err = found[0].Errors[0]
	}
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	c := &contract{
		found[0].Types.Scope(), map[string]string{}, map[string]string{},
		map[string]map[string]string{}, map[string]map[string]string{}, map[string][]*types.Const{},
	}
	for _, name := range c.scope.Names() {
		c.addObject(c.scope.Lookup(name))
	}
	for _, file := range found[0].Syntax {
		ast.Inspect(file, c.addComments)
	}
	return c, nil
}

func (c *contract) addObject(object types.Object) {
	if value, ok := object.(*types.Const); ok && object.Exported() && value.Val().Kind() == constant.String {
		name := typeName(value.Type())
		if strings.HasPrefix(object.Name(), "Err") {
			name = ErrorType // its constants have no type of their own
		}
		if name != "" {
			c.enums[name] = append(c.enums[name], value)
			slices.SortFunc(c.enums[name], func(a, b *types.Const) int { return cmp.Compare(a.Pos(), b.Pos()) })
		}
	}
	fields, ok := object.Type().Underlying().(*types.Struct)
	if _, isType := object.(*types.TypeName); !isType || !ok || !object.Exported() {
		return
	}
	c.jsonName[object.Name()], c.fieldOf[object.Name()] = map[string]string{}, map[string]string{}
	for i := range fields.NumFields() {
		field := fields.Field(i).Name()
		c.jsonName[object.Name()][field], _, _ = strings.Cut(reflect.StructTag(fields.Tag(i)).Get("json"), ",")
		c.fieldOf[object.Name()][field] = typeName(fields.Field(i).Type())
	}
}

func (c *contract) addComments(node ast.Node) bool {
	declaration, ok := node.(*ast.GenDecl)
	if !ok {
		_, isFile := node.(*ast.File)
		return isFile
	}
	for i, spec := range declaration.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			c.comments[spec.Name.Name] = cmp.Or(spec.Doc.Text(), declaration.Doc.Text())
			if fields, ok := spec.Type.(*ast.StructType); ok {
				c.addFields(spec.Name.Name, fields.Fields.List)
			}
		case *ast.ValueSpec:
			c.comments[spec.Names[0].Name] = cmp.Or(spec.Doc.Text(), spec.Comment.Text())
			if i == 0 && declaration.Lparen.IsValid() {
				c.groups[spec.Names[0].Name] = declaration.Doc.Text()
			}
		}
	}
	return false
}

// addFields also gives a comment that names the next field to that field.
func (c *contract) addFields(owner string, fields []*ast.Field) {
	shared := ""
	for _, field := range fields {
		comment := cmp.Or(field.Doc.Text(), field.Comment.Text())
		for _, name := range field.Names {
			if comment == "" && regexp.MustCompile(`\b`+name.Name+`\b`).MatchString(shared) {
				comment = shared
			}
			c.comments[owner+"."+name.Name] = comment
		}
		shared = cmp.Or(comment, shared)
	}
}

// value returns a constant as JSON has it: text unchanged, durations as Go writes them.
func (c *contract) value(name string) (string, bool) {
	object, ok := c.scope.Lookup(name).(*types.Const)
	if !ok {
		return "", false
	}
	if object.Val().Kind() == constant.String {
		return constant.StringVal(object.Val()), true
	}
	number, exact := constant.Int64Val(object.Val())
	if named, ok := object.Type().(*types.Named); ok && exact && named.Obj().Name() == "Duration" {
		return time.Duration(number).String(), true
	}
	return object.Val().String(), true
}

// typeName returns the name of a type of the contract, or of the one that t points to
// or is a list of. It is empty for any other type.
func typeName(t types.Type) string {
	switch t := t.(type) {
	case *types.Pointer:
		return typeName(t.Elem())
	case *types.Slice:
		return typeName(t.Elem())
	case *types.Named:
		if t.Obj().Pkg() != nil && t.Obj().Pkg().Name() == "migrationlink" {
			return t.Obj().Name()
		}
	}
	return ""
}
