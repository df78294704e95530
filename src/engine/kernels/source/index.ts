/** The exports of the kernel module; memory is imported, so it can be preallocated at its final size. */
export * from './elementwise';
export * from './matrix';
export * from './sparse';
