package schema

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"regexp"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

// contract is what the sources of the contract say and its types do not: comments,
// constants, and the patterns of the validation.
type contract struct {
	pkg      *packages.Package
	comments map[string]string            // by "Type", "Type.Field", "Func" or "Constant", as written
	jsonName map[string]map[string]string // of fields, by type and field
	fieldOf  map[string]map[string]string // the type of fields, likewise
	enums    []enum                       // in the order of the sources
	groups   map[string]string            // comments of groups of constants, by the first
	patterns map[string]string            // by variable
}

// enum is a type of text with its constants.
type enum struct {
	name   string
	values []*types.Const
}

func readContract(sources string) (*contract, error) {
	found, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: sources}, ".")
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the contract: %w", err)
	case len(found) != 1:
		return nil, fmt.Errorf("read the contract: %d packages in %s", len(found), sources)
	case len(found[0].Errors) > 0:
		return nil, fmt.Errorf("read the contract: %w", found[0].Errors[0])
	}
	c := &contract{
		pkg: found[0], comments: map[string]string{}, patterns: map[string]string{}, groups: map[string]string{},
		jsonName: map[string]map[string]string{}, fieldOf: map[string]map[string]string{},
	}
	for _, file := range c.pkg.Syntax {
		for _, declaration := range file.Decls {
			c.readDeclaration(declaration)
		}
	}
	return c, nil
}

func (c *contract) readDeclaration(declaration ast.Decl) {
	switch declaration := declaration.(type) {
	case *ast.FuncDecl:
		if declaration.Recv == nil {
			c.comments[declaration.Name.Name] = declaration.Doc.Text()
		}
	case *ast.GenDecl:
		for i, spec := range declaration.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				c.readType(spec, firstText(spec.Doc, declaration.Doc))
			case *ast.ValueSpec:
				if i == 0 && declaration.Lparen.IsValid() {
					c.groups[spec.Names[0].Name] = declaration.Doc.Text()
				}
				c.readValues(declaration.Tok, spec)
			}
		}
	}
}

func (c *contract) readType(spec *ast.TypeSpec, comment string) {
	name := spec.Name.Name
	c.comments[name] = comment
	fields, ok := spec.Type.(*ast.StructType)
	if !ok || !spec.Name.IsExported() {
		return
	}
	c.jsonName[name], c.fieldOf[name] = map[string]string{}, map[string]string{}
	shared := ""
	for _, field := range fields.Fields.List {
		comment := firstText(field.Doc, field.Comment)
		for _, fieldName := range field.Names {
			// A comment that names the next field, too, is about both.
			switch {
			case comment != "":
				shared = comment
			case regexp.MustCompile(`\b` + fieldName.Name + `\b`).MatchString(shared):
				comment = shared
			}
			c.comments[name+"."+fieldName.Name] = comment
			c.fieldOf[name][fieldName.Name] = typeName(c.pkg.TypesInfo.TypeOf(field.Type))
			if field.Tag != nil {
				tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
				c.jsonName[name][fieldName.Name], _, _ = strings.Cut(tag, ",")
			}
		}
	}
}

func (c *contract) readValues(kind token.Token, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		object := c.pkg.TypesInfo.Defs[name]
		value, isConstant := object.(*types.Const)
		switch {
		case isConstant && name.IsExported():
			c.comments[name.Name] = firstText(spec.Doc, spec.Comment)
			c.addValue(value)
		case kind == token.VAR && i < len(spec.Values):
			if text, ok := c.patternIn(spec.Values[i]); ok {
				c.patterns[name.Name] = text
			}
		}
	}
}

// addValue sorts constants by their type. Those of the types of errors have none of
// their own, but a prefix.
func (c *contract) addValue(value *types.Const) {
	name := typeName(value.Type())
	if name == "" && strings.HasPrefix(value.Name(), "Err") {
		name = ErrorType
	}
	if name == "" || value.Val().Kind() != constant.String {
		return
	}
	for i := range c.enums {
		if c.enums[i].name == name {
			c.enums[i].values = append(c.enums[i].values, value)
			return
		}
	}
	c.enums = append(c.enums, enum{name, []*types.Const{value}})
}

// patternIn reads the pattern in regexp.MustCompile(pattern).
func (c *contract) patternIn(expression ast.Expr) (string, bool) {
	call, ok := expression.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	value := c.pkg.TypesInfo.Types[call.Args[0]].Value
	if !ok || function.Sel.Name != "MustCompile" || value == nil {
		return "", false
	}
	return constant.StringVal(value), true
}

// pattern is that of a variable of the validation.
func (c *contract) pattern(variable string) string {
	text, ok := c.patterns[variable]
	if !ok {
		panic(errors.New("the contract has no pattern " + variable + " any more"))
	}
	return text
}

// value is that of a constant, exported or not: texts as they are, times as Go
// writes them.
func (c *contract) value(name string) (string, bool) {
	object, ok := c.pkg.Types.Scope().Lookup(name).(*types.Const)
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

// typeName is that of a type of the contract, or of what it points to or holds;
// empty for any other.
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

func firstText(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if text := group.Text(); text != "" {
			return text
		}
	}
	return ""
}
