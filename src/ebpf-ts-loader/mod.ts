export { Btf } from "./btf/btf.ts";
export type * from "./btf/layout.ts";
export type * from "./btf/types.ts";
export {
  type Difference,
  MismatchError,
  NotSupportedError,
  ObjectFormatError,
  VerifierError,
} from "./errors.ts";
export {
  cloneMap,
  cloneProgram,
  cloneSpec,
  type CollectionSpec,
  type MapSpec,
  type ProgramSpec,
  type ReferenceSpec,
  type SlotSpec,
  type VariableSpec,
} from "./spec/collection_spec.ts";
export { isMapOfMaps, isPerCpu, MapFlags, MapType, mapTypeName } from "./spec/map_types.ts";
export { parseObject } from "./spec/parse_object.ts";
export { AttachType, ProgramType, type SectionKind, sectionKind } from "./spec/program_types.ts";
export { getVariable, setVariable, type VariableValue } from "./spec/variable_value.ts";
